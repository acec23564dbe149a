/**
 * One log, and replicas that came through it by different ways: one that ran on, one that was restarted half way, one that
 * restored a snapshot half way, in memory and in SQLite. Their snapshots are equal to the byte, what is remembered of clients included.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { StateEngine, StoredSnapshot } from '../../src/ports/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import {
  batch,
  CLUSTER_ID,
  del,
  get,
  LogWriter,
  membershipOf,
  plainState,
  set,
  settled,
  transfer,
  txn,
} from './state-machine-fixture.ts'
import type { OpenedState } from './state-machine-fixture.ts'
import { memoryPlace, sqlitePlace } from './state-machine-places.ts'

const DAY_MS = 24 * 60 * 60 * 1000

interface Step {
  readonly client: string | null
  readonly sequence: number
  readonly kind: 'set' | 'delete' | 'find'
  readonly elapsedMs: number
  readonly repeated: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  client: fc.option(fc.constantFrom('a', 'b', 'c')),
  sequence: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 120, max: 140 })),
  kind: fc.constantFrom('set', 'delete', 'find'),
  elapsedMs: fc.oneof(fc.nat(2000), fc.constantFrom(2 * DAY_MS, 8 * DAY_MS)),
  repeated: fc.boolean(),
})

/** What `find` finds is larger than the window of a client may keep more than twice, or than one answer may be. */
function logOf(steps: readonly Step[]): Entry[] {
  const log = new LogWriter()
  const entries = [log.membership(membershipOf(1)), log.set('half', 'v'.repeat(60_000)), log.set('large', 'v'.repeat(66_000))]
  for (const { client, sequence, kind, elapsedMs, repeated } of steps) {
    const origin = client === null ? null : { client, sequence }
    const found = sequence % 3 === 0 ? 'large' : 'half'
    const write =
      kind === 'set' ? batch(set(`k${sequence}`, kind)) : kind === 'delete' ? batch(del(`k${sequence}`)) : txn([], [get(found)])
    entries.push(log.command(write, origin, elapsedMs))
    if (repeated) entries.push(log.command(write, origin))
  }
  return entries
}

function takeSnapshot({ machine }: OpenedState): Promise<StoredSnapshot> {
  return settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done))
}

function applyAll(machine: StateEngine, entries: readonly Entry[], size: number): void {
  const from = machine.info().applied.index
  const rest = entries.filter(({ index }) => index > from)
  for (let at = 0; at < rest.length; at += size) machine.apply(rest.slice(at, at + size))
}

test('StateMachine: what it came through leaves no trace in the state, nor in its snapshots', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 80 }),
    fc.integer({ min: 1, max: 30 }),
    async (steps, size) => {
      const places = [sqlitePlace(), memoryPlace(true)]
      const toRestart = [sqlitePlace(), memoryPlace(false), memoryPlace(true)]
      const toRestore = [sqlitePlace(), memoryPlace(true)]
      try {
        const entries = logOf(steps)
        const half = entries.slice(0, Math.ceil(entries.length / 2))
        const [sqlite, memory] = places.map((place) => place.open()) as [OpenedState, OpenedState]
        for (const { machine } of [sqlite, memory]) applyAll(machine, half, size)
        const taken = await takeSnapshot(sqlite)
        const through = [sqlite, memory]
        for (const place of toRestart) {
          const restarted = place.open()
          applyAll(restarted.machine, half, size)
          await settled((done) => restarted.machine.checkpoint(done))
          await settled((done) => restarted.machine.close(done))
          restarted.snapshots.close()
          through.push(place.open())
        }
        for (const place of toRestore) {
          const restored = place.open()
          await transfer(sqlite.snapshots, restored.snapshots, taken)
          await settled((done) => restored.machine.restore(taken, done))
          through.push(restored)
        }
        for (const [i, { machine }] of through.entries()) applyAll(machine, entries, i % 2 === 0 ? size : 1)
        for (const { machine } of through) assert.deepEqual(plainState(machine), plainState(sqlite.machine))
        // The id holds the digest of the bytes.
        const ids = await Promise.all(through.map(async (opened) => (await takeSnapshot(opened)).id))
        assert.deepEqual(new Set(ids).size, 1)
      } finally {
        await Promise.all([...places, ...toRestart, ...toRestore].map((place) => place.dispose()))
      }
    },
  )
  await fc.assert(property, { numRuns: 4 })
})
