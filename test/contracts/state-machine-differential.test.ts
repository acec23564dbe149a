/** Random logs against both implementations and a naive model: the same answers and the same states, bit for bit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AspenError } from '../../src/api/index.ts'
import type { ClientSequence } from '../../src/api/index.ts'
import type { Applied, Command, Condition, Operation } from '../../src/commands/index.ts'
import type { StateEngine, StoredSnapshot } from '../../src/ports/index.ts'
import type { Entry } from '../../src/raft/index.ts'
import {
  bytes,
  CLUSTER_ID,
  hex,
  LogWriter,
  membershipOf,
  plainRow,
  plainState,
  settled,
  transfer,
  txn,
} from './state-machine-fixture.ts'
import type { OpenedState } from './state-machine-fixture.ts'
import { StateModel } from './state-machine-model.ts'
import { memoryPlace, sqlitePlace } from './state-machine-places.ts'
import { volume } from '../volume.ts'

/** Few keys, so that they meet; prefixes of each other, text beyond ASCII whose UTF-16 order is another, and bytes that are no text. */
const KEYS = [
  ...['a', 'ab', 'b', 'é', '\uff5e', '😀', '\u0000', '%_'].map(bytes),
  Uint8Array.of(0xff),
  Uint8Array.of(0xff, 0xff),
  Uint8Array.of(0x61, 0x00),
  Uint8Array.of(0x80),
]

const key = fc.constantFrom(...KEYS)
const value = fc.oneof(fc.constantFrom(bytes(''), bytes('1'), bytes('2')), fc.uint8Array({ maxLength: 300 }))
const setOp = fc.record({ type: fc.constant('set' as const), key, value })
const deleteOp = fc.record({ type: fc.constant('delete' as const), key })
const getOp = fc.record({ type: fc.constant('get' as const), key })
const operation: fc.Arbitrary<Operation> = fc.oneof(setOp, deleteOp, getOp)
const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ type: fc.constant('value' as const), key, value }),
  fc.record({ type: fc.constant('mod-revision' as const), key, modRevision: fc.nat(20) }),
  fc.record({ type: fc.constant('absent' as const), key, absent: fc.boolean() }),
)
const batchOf = fc.array(fc.oneof(setOp, deleteOp), { minLength: 1, maxLength: 6 })
const txnOf = fc.tuple(
  fc.array(condition, { maxLength: 2 }),
  fc.array(operation, { minLength: 1, maxLength: 6 }),
  fc.array(operation, { maxLength: 6 }),
)
const command: fc.Arbitrary<Command> = fc.oneof(
  batchOf.map((operations): Command => ({ type: 'batch', operations })),
  txnOf.map(([compare, then, otherwise]) => txn(compare, then, otherwise)),
)
const origin: fc.Arbitrary<ClientSequence | null> = fc.option(
  fc.record({
    client: fc.constantFrom('x', 'y', 'zwölf'),
    sequence: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 100, max: 140 })),
  }),
)

type Step =
  | { readonly kind: 'command'; readonly command: Command; readonly origin: ClientSequence | null }
  | { readonly kind: 'noop' | 'next-term' | 'end-of-batch' }
  | { readonly kind: 'membership'; readonly voters: number[] }

const commandStep = fc.tuple(command, origin).map(([of, from]): Step => ({ kind: 'command', command: of, origin: from }))
const membershipStep = fc.constantFrom<number[]>([1], [1, 2], [2, 3]).map((voters): Step => ({ kind: 'membership', voters }))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: commandStep },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'noop' }, { kind: 'next-term' }) },
  { weight: 4, arbitrary: fc.constant<Step>({ kind: 'end-of-batch' }) },
  { weight: 1, arbitrary: membershipStep },
)

const scan = fc.record({
  start: fc.oneof(fc.constant(new Uint8Array(0)), key),
  end: fc.option(key),
  limit: fc.integer({ min: 1, max: 8 }),
  maxBytes: fc.nat(500),
})

function plainResult(result: Applied | null): unknown {
  if (result instanceof AspenError) return result.code
  if (result?.txn === undefined) return result
  const results = result.txn.results.map((one) => (one.type === 'get' ? { type: 'get', entry: plainRow(one.entry) } : one))
  return { logId: result.logId, revision: result.revision, txn: { succeeded: result.txn.succeeded, results } }
}

/** Runs the steps on the machines and the model alike, comparing every answer. Begins with a membership. */
function run(steps: readonly Step[], machines: readonly StateEngine[], model: StateModel, log: LogWriter): void {
  let entries: Entry[] = [log.membership(membershipOf(1))]
  let expected: unknown[] = [null]
  const applyBatch = (): void => {
    for (const machine of machines) assert.deepEqual(machine.apply(entries).results.map(plainResult), expected)
    entries = []
    expected = []
  }
  for (const next of steps) {
    if (next.kind === 'next-term') log.term++
    else if (next.kind === 'end-of-batch') applyBatch()
    else {
      entries.push(entryOf(next, log))
      expected.push(next.kind === 'command' ? model.command(log.index, log.term, next.command, next.origin) : null)
    }
  }
  applyBatch()
}

function entryOf(next: Exclude<Step, { kind: 'next-term' | 'end-of-batch' }> | { kind: 'noop' }, log: LogWriter): Entry {
  if (next.kind === 'command') return log.command(next.command, next.origin)
  if (next.kind === 'membership') return log.membership(membershipOf(...next.voters))
  return log.noop()
}

function compareWithModel(machine: StateEngine, model: StateModel, log: LogWriter): void {
  const { applied, keys, bytes: size, revision } = machine.info()
  assert.equal(revision, model.revision)
  assert.equal(applied.index, log.index)
  assert.deepEqual([keys, size], model.totals())
  for (const one of KEYS) assert.deepEqual(plainRow(machine.get(one)), model.row(hex(one)))
}

test('StateMachine: sqlite, memory and a naive model agree on every answer, row and page', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.array(scan, { maxLength: 8 }), async (steps, scans) => {
    const places = [sqlitePlace(), memoryPlace(true)]
    try {
      const machines = places.map((place) => place.open().machine)
      const model = new StateModel()
      const log = new LogWriter()
      run(steps, machines, model, log)
      for (const machine of machines) {
        compareWithModel(machine, model, log)
        for (const { start, end, limit, maxBytes } of scans) {
          const page = machine.scan({ start, end }, limit, maxBytes)
          const found = { rows: page.rows.map(plainRow), more: page.more }
          assert.deepEqual(found, model.list(hex(start), end === null ? null : hex(end), limit, maxBytes))
        }
      }
      assert.deepEqual(plainState(machines[0] as StateEngine), plainState(machines[1] as StateEngine))
    } finally {
      await Promise.all(places.map((place) => place.dispose()))
    }
  })
  await fc.assert(property, { numRuns: volume(100, 40) })
})

test('StateMachine: sqlite and memory take the same snapshot, read each other, and go on alike', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 40 }),
    fc.array(step, { maxLength: 40 }),
    async (before, after) => {
      const places = [sqlitePlace(), memoryPlace(false), sqlitePlace(), memoryPlace(false)]
      try {
        const [sqlite, memory, sqliteCopy, memoryCopy] = places.map((place) => place.open()) as [
          OpenedState,
          OpenedState,
          OpenedState,
          OpenedState,
        ]
        const model = new StateModel()
        const log = new LogWriter()
        run(before, [sqlite.machine, memory.machine], model, log)
        const taken = await Promise.all([takeSnapshot(sqlite), takeSnapshot(memory)])
        assert.deepEqual(taken[0], taken[1])
        await copyInto(memoryCopy, sqlite, taken[0])
        await copyInto(sqliteCopy, memory, taken[1])
        const all = [sqlite, memory, sqliteCopy, memoryCopy].map(({ machine }) => machine)
        run(after, all, model, log)
        for (const machine of all) compareWithModel(machine, model, log)
        for (const copy of all.slice(1)) assert.deepEqual(plainState(copy), plainState(sqlite.machine))
        const sound = all.map((machine) => settled<boolean>((done) => machine.audit(done)))
        assert.deepEqual(await Promise.all(sound), [true, true, true, true])
      } finally {
        await Promise.all(places.map((place) => place.dispose()))
      }
    },
  )
  await fc.assert(property, { numRuns: 10 })
})

function takeSnapshot({ machine }: OpenedState): Promise<StoredSnapshot> {
  return settled<StoredSnapshot>((done) => machine.takeSnapshot(CLUSTER_ID, done))
}

async function copyInto(target: OpenedState, source: OpenedState, snapshot: StoredSnapshot): Promise<void> {
  await transfer(source.snapshots, target.snapshots, snapshot, 100)
  await settled((done) => target.machine.restore(snapshot, done))
}
