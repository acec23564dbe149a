import { test } from 'node:test'
import { floodLinks } from './links-flood.ts'

test('DirectTransport: delivers what was sent up to the damage, over 100,000 streams of frames and 5,000 strangers', (context) =>
  floodLinks(context, 100_000))
