import { test } from 'node:test'
import { floodLog } from './log-flood.ts'

test('openSegmentedLog: recovers what was written or refuses, whatever became of the files', (context) =>
  floodLog(context, 4_000))
