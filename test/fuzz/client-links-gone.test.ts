import { test } from 'node:test'
import { floodVanishing } from './client-links-gone-flood.ts'
import { volume } from '../volume.ts'

test('a node that serves clients: keeps nothing of those that vanish, flood or fall silent', (context) =>
  floodVanishing(context, volume(1_000, 100)))
