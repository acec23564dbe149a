import { test } from 'node:test'
import { floodLinks } from './links-flood.ts'
import { volume } from '../volume.ts'

test('DirectTransport: delivers what was sent up to the damage, and outlives strangers', (context) =>
  floodLinks(context, volume(2_000, 700)))
