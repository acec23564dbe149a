import { test } from 'node:test'
import { floodDatabase, floodSnapshots } from './state-flood.ts'

test('openSnapshotFiles: finds a snapshot that was taken, or none', (context) => floodSnapshots(context, 2_000))

test('openSqliteStateMachine: opens or refuses with a StateError, whatever became of its files', (context) =>
  floodDatabase(context, 100))
