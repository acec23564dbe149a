import { test } from 'node:test'
import { floodDatabase, floodSnapshots } from './state-flood.ts'
import { volume } from '../volume.ts'

test('openSnapshotFiles: finds a snapshot that was taken, or none', (context) => floodSnapshots(context, volume(2_000, 700)))

test('openSqliteStateMachine: opens or refuses with a StateError, whatever became of its files', (context) =>
  floodDatabase(context, volume(100, 40)))
