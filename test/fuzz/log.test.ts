import { test } from 'node:test'
import { floodLog } from './log-flood.ts'
import { volume } from '../volume.ts'

test('openSegmentedLog: recovers what was written or refuses, whatever became of the files', (context) =>
  floodLog(context, volume(4_000, 1_500)))
