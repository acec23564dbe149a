/** Random histories of a log against an array. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { LogBatch, LogStore } from '../../src/ports/index.ts'
import type { EntryKind } from '../../src/raft/index.ts'
import { MemoryDisk } from '../../src/storage/disk/index.ts'
import { MemoryLog, openSegmentedLog } from '../../src/storage/log/index.ts'
import { applyBatch, applyPurge, EMPTY_MODEL, fingerprint, lastIndex, modelOf } from './log-store-model.ts'
import type { LogModel } from './log-store-model.ts'
import { close, entry, plain, purge, read, reset, write } from './log-store.ts'
import { volume } from '../volume.ts'

/** Fractions choose positions within what the log holds at that moment. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      batches: fc.array(
        fc.record({
          sizes: fc.array(fc.oneof(fc.nat(60), fc.nat(700), fc.constant(3000)), { maxLength: 6 }),
          kind: fc.constantFrom<EntryKind>('command', 'noop', 'membership'),
          truncateAt: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined, freq: 4 }),
          vote: fc.option(fc.nat(5), { nil: undefined }),
        }),
        { maxLength: 4 },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('purge' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reset' as const), jump: fc.integer({ min: -20, max: 50 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('read' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      maxBytes: fc.nat(4000),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function toBatches(model: LogModel, drawn: Extract<Step, { type: 'write' }>['batches'], term: number): LogBatch[] {
  const batches: LogBatch[] = []
  let state = model
  for (const { sizes, kind, truncateAt, vote } of drawn) {
    const kept = truncateAt === undefined ? state.entries.length : Math.floor(truncateAt * state.entries.length)
    const first = state.purged.index + kept + 1
    const batch: LogBatch = {
      ...(state.clusterId === null ? { clusterId: 'c' } : {}),
      ...(vote === undefined ? {} : { hardState: { term, votedFor: vote === 0 ? null : vote } }),
      ...(truncateAt === undefined ? {} : { truncateFrom: first }),
      entries: sizes.map((size, i) => entry(first + i, term, size, kind)),
    }
    batches.push(batch)
    state = applyBatch(state, batch)
  }
  return batches
}

async function checkRead(log: LogStore, model: LogModel, at: number, maxBytes: number): Promise<void> {
  if (model.entries.length === 0) return
  const from = Math.floor(at * (model.entries.length - 1))
  const found = await read(log, model.purged.index + 1 + from, lastIndex(model), maxBytes)
  assert.ok(found.length > 0)
  assert.deepEqual(plain(found), plain(model.entries.slice(from, from + found.length)))
  const bytes = found.reduce((sum, { payload }) => sum + payload.length, 0)
  const next = model.entries[from + found.length]
  assert.ok(found.length === 1 || bytes <= maxBytes)
  assert.ok(next === undefined || bytes + next.payload.length > maxBytes)
}

async function run(steps: readonly Step[], log: LogStore, reopen: (log: LogStore) => LogStore): Promise<void> {
  let model = EMPTY_MODEL
  for (const [number, drawn] of steps.entries()) {
    if (drawn.type === 'write') {
      const batches = toBatches(model, drawn.batches, number + 1)
      await write(log, ...batches)
      model = batches.reduce(applyBatch, model)
    } else if (drawn.type === 'purge') {
      const purged = await purge(log, model.purged.index + Math.floor(drawn.at * model.entries.length))
      model = applyPurge(model, purged.index)
      assert.deepEqual(purged, model.purged)
    } else if (drawn.type === 'reset') {
      const index = Math.max(0, lastIndex(model) + drawn.jump)
      model = {
        clusterId: 'c',
        hardState: { term: number + 1, votedFor: 4 },
        purged: { term: index === 0 ? 0 : number + 1, index },
        entries: [],
      }
      await reset(log, model.purged, model.hardState, 'c')
    } else if (drawn.type === 'reopen') {
      await close(log)
      log = reopen(log)
      assert.equal(log.recovered.tornBytes, 0)
      assert.equal(fingerprint(await modelOf(log)), fingerprint(model))
    } else if (drawn.type === 'read') {
      await checkRead(log, model, drawn.at, drawn.maxBytes)
    }
  }
  await checkRead(log, model, 0, Number.MAX_SAFE_INTEGER)
}

const steps = fc.array(step, { maxLength: 40, size: 'max' })

test('SegmentedLog: agrees with an array over random writes, truncations, purges, resets, reads and reopens', async () => {
  const property = fc.asyncProperty(steps, fc.constantFrom(1024, 2000, 8192), async (drawn, segmentSize) => {
    const disk = new MemoryDisk(queueMicrotask)
    const open = (): LogStore => openSegmentedLog(disk, { storeId: 's', segmentSize })
    await run(drawn, open(), open)
  })
  await fc.assert(property, { numRuns: volume(150, 60) })
})

test('MemoryLog: agrees with an array over random writes, truncations, purges, resets, reads and reopens', async () => {
  const property = fc.asyncProperty(steps, (drawn) =>
    run(drawn, new MemoryLog(queueMicrotask), (log) => (log as MemoryLog).handOver()),
  )
  await fc.assert(property, { numRuns: volume(60, 30) })
})
