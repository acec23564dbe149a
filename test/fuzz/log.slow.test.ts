import { test } from 'node:test'
import { floodLog } from './log-flood.ts'

test('openSegmentedLog: recovers what was written or refuses, over 150,000 damaged logs', (context) => floodLog(context, 150_000))
