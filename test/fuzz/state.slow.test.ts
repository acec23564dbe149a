import { test } from 'node:test'
import { floodDatabase, floodSnapshots } from './state-flood.ts'

test('openSnapshotFiles: finds a snapshot that was taken, or none, over 30,000 damaged folders', (context) =>
  floodSnapshots(context, 30_000))

test('openSqliteStateMachine: opens or refuses with a StateError, over 3,000 damaged databases', (context) =>
  floodDatabase(context, 3_000))
