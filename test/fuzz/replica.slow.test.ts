import { test } from 'node:test'
import { floodLies, floodOutsiders } from './replica-flood.ts'

test('Replica: is moved by nobody who has no say, over 100,000 messages', (context) => floodOutsiders(context, 120_000))

test('Replica: acknowledges what it holds and nothing else, over 100,000 lies', (context) => floodLies(context, 100_000))
