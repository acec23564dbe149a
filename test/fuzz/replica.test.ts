import { test } from 'node:test'
import { floodLies, floodOutsiders } from './replica-flood.ts'

test('Replica: is moved by nobody who has no say', (context) => floodOutsiders(context, 2_000))

test('Replica: acknowledges what it holds and nothing else, whatever a member says', (context) => floodLies(context, 2_000))
