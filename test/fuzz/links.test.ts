import { test } from 'node:test'
import { floodLinks } from './links-flood.ts'

test('DirectTransport: delivers what was sent up to the damage, and outlives strangers', (context) => floodLinks(context, 2_000))
