import { test } from 'node:test'
import { floodVanishing } from './client-links-gone-flood.ts'

test('a node that serves clients: keeps nothing of 4,000 that vanish, flood or fall silent', (context) =>
  floodVanishing(context, 4_000))
