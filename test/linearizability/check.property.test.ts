import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as checkProperty, boolean, constantFrom, integer, property, record } from 'fast-check'
import { Prng, pick, randomBetween, chance } from '../../src/lib/index.ts'
import { checkLinearizable } from './check.ts'
import type { RecordedOperation } from './history.ts'
import { searchLinearization } from './search.ts'
import type { SequentialModel } from './search.ts'
import { volume } from '../volume.ts'

const REGISTER: SequentialModel<string | null, RecordedOperation> = {
  initial: null,
  step(state, { type, value }) {
    if (type === 'read') return state === value ? state : undefined
    return type === 'write' ? value : null
  },
  name: (state) => state ?? '',
}

/** The verdict of the plain search, on a history of one key. */
function search(history: readonly RecordedOperation[]): boolean {
  const intervals = history
    .filter(({ type, outcome }) => outcome === 'ok' || (outcome === 'unknown' && type !== 'read'))
    .map((operation) => ({ start: operation.start, end: operation.outcome === 'unknown' ? Infinity : operation.end, operation }))
  return searchLinearization(REGISTER, intervals)
}

interface Shape {
  readonly clients: number
  readonly operations: number
  readonly keys: number
  readonly deletes: number
  readonly unknown: number
}

/** Runs clients against a real atomic register: every operation takes effect at one instant between start and end. */
function runClients(seed: number, shape: Shape): RecordedOperation[] {
  const random = new Prng(seed)
  const state = new Map<string, string | null>()
  const pending: { at: number; run: () => void }[] = []
  const history: RecordedOperation[] = []
  const clients = Array.from({ length: shape.clients }, (_, client) => ({ client, free: randomBetween(random, 0, 20) }))
  for (let i = 0; i < shape.operations; i++) {
    const client = clients.reduce((a, b) => (a.free <= b.free ? a : b))
    const start = client.free + randomBetween(random, 1, 10)
    const instant = start + randomBetween(random, 0, 30)
    const end = instant + randomBetween(random, 0, 30)
    client.free = end
    const key = `k${randomBetween(random, 0, shape.keys - 1)}`
    const type = chance(random, 0.5) ? 'read' : chance(random, shape.deletes) ? 'delete' : 'write'
    const value = type === 'write' ? `v${i}` : null
    const operation: RecordedOperation = { key, client: client.client, type, value, start, end, outcome: 'ok' }
    const lost = chance(random, shape.unknown)
    // The outcome reaches nobody, but the effect may still come, also long after.
    const at = lost ? instant + randomBetween(random, 0, 200) : instant
    const never = lost && chance(random, 0.5)
    pending.push({
      at,
      run: () => {
        const outcome = !lost ? 'ok' : never && chance(random, 0.3) ? 'failed' : 'unknown'
        if (type === 'read') history.push({ ...operation, value: state.get(key) ?? null, outcome })
        else history.push({ ...operation, outcome })
        if (type !== 'read' && !never) state.set(key, value)
      },
    })
  }
  for (const effect of pending.toSorted((a, b) => a.at - b.at)) effect.run()
  return history
}

test('checkLinearizable: accepts whatever an atomic register did', () => {
  checkProperty(
    property(integer({ min: 0 }), integer({ min: 1, max: 12 }), boolean(), (seed, clients, deletes) => {
      const history = runClients(seed, { clients, operations: 300, keys: 3, deletes: deletes ? 0.2 : 0, unknown: 0.1 })
      const verdict = checkLinearizable(history)
      assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
    }),
    { numRuns: volume(300, 100) },
  )
})

/** A read that ended after a newer write had completed, made to see a value that was overwritten before it began. */
function makeStale(history: readonly RecordedOperation[], seed: number): RecordedOperation[] | null {
  const random = new Prng(seed)
  const writes = history.filter(({ type, outcome }) => type === 'write' && outcome === 'ok')
  const candidates: { read: RecordedOperation; older: RecordedOperation }[] = []
  for (const read of history) {
    if (read.type !== 'read' || read.outcome !== 'ok') continue
    for (const newer of writes) {
      if (newer.key !== read.key || newer.end >= read.start) continue
      const older = writes.find((write) => write.key === read.key && write.end < newer.start)
      if (older !== undefined) candidates.push({ read, older })
    }
  }
  if (candidates.length === 0) return null
  const { read, older } = pick(random, candidates)
  return history.map((operation) => (operation === read ? { ...read, value: older.value } : operation))
}

test('checkLinearizable: rejects a run in which one read was made stale', () => {
  let rejected = 0
  checkProperty(
    property(integer({ min: 0 }), integer({ min: 1, max: 12 }), (seed, clients) => {
      const history = makeStale(runClients(seed, { clients, operations: 200, keys: 2, deletes: 0, unknown: 0.05 }), seed)
      if (history === null) return
      const verdict = checkLinearizable(history)
      assert.equal(verdict.ok, false)
      assert.ok(!verdict.ok && verdict.counterexample.length <= 6, verdict.ok ? '' : verdict.report)
      rejected++
    }),
    { numRuns: volume(200, 70) },
  )
  assert.ok(rejected > volume(200, 70) * 0.75)
})

const SMALL_OPERATION = record({
  type: constantFrom('write', 'read', 'read', 'delete'),
  start: integer({ min: 0, max: 12 }),
  length: integer({ min: 0, max: 6 }),
  seen: integer({ min: -1, max: 6 }),
  outcome: constantFrom('ok', 'ok', 'ok', 'unknown', 'failed'),
})

test('checkLinearizable: agrees with the plain search on small histories of every kind', () => {
  const verdicts = { true: 0, false: 0 }
  checkProperty(
    property(array(SMALL_OPERATION, { maxLength: 9 }), (drafts) => {
      const history = drafts.map(({ type, start, length, seen, outcome }, i): RecordedOperation => {
        const value = type === 'write' ? `v${i}` : type === 'delete' || seen < 0 ? null : `v${seen}`
        return { key: 'k', client: i, type, value, start, end: start + length, outcome }
      })
      const expected = search(history)
      assert.equal(checkLinearizable(history).ok, expected)
      verdicts[`${expected}`]++
    }),
    { numRuns: volume(20_000, 5_000) },
  )
  assert.ok(verdicts.true > volume(1000, 250) && verdicts.false > volume(1000, 250), JSON.stringify(verdicts))
})

test('checkLinearizable: judges a minute of contended load in seconds', () => {
  const history = runClients(7, { clients: 50, operations: 400_000, keys: 20, deletes: 0.05, unknown: 0.002 })
  const began = process.cpuUsage()
  assert.equal(checkLinearizable(history).ok, true)
  const stale = makeStale(history.slice(0, 4000), 1)
  assert.ok(stale !== null)
  assert.equal(checkLinearizable([...stale, ...history.slice(4000)]).ok, false)
  const { user, system } = process.cpuUsage(began)
  assert.ok((user + system) / 1e6 < 20, `took ${(user + system) / 1e6} s of processor time`)
})
