/** What every implementation of KeyValueStore promises. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AspenError } from '../../src/api/index.ts'
import { concurrencyContract } from './key-value-store-concurrency.ts'
import { limitContract, quotaContract } from './key-value-store-limits.ts'
import { bytesOf, describeStorePart, put, refuses, textAt } from './key-value-store-place.ts'
import type { OpenedStore, StorePlace, StoreTraits } from './key-value-store-place.ts'
import { scanContract } from './key-value-store-scans.ts'
import { sessionContract } from './key-value-store-sessions.ts'
import { transactionContract } from './key-value-store-transactions.ts'
import { writeContract } from './key-value-store-writes.ts'

/** Above what a deadline of a few hundred milliseconds may take on a busy machine, and below the default of five seconds. */
const WELL_BEFORE_DEFAULT_MS = 4_000

export function keyValueStoreContract(name: string, createPlace: () => StorePlace, traits: StoreTraits): void {
  describeStorePart(`${name}: reads and writes`, createPlace, writeContract)
  describeStorePart(`${name}: transactions`, createPlace, transactionContract)
  describeStorePart(`${name}: scans`, createPlace, scanContract)
  describeStorePart(`${name}: limits`, createPlace, limitContract)
  describeStorePart(`${name}: origins`, createPlace, sessionContract)
  describeStorePart(`${name}: several clients`, createPlace, concurrencyContract)
  const withStore =
    (use: (opened: OpenedStore) => Promise<void>, founded = true) =>
    async (): Promise<void> => {
      const place = createPlace()
      try {
        await use(await place.open({ founded }))
      } finally {
        await place.dispose()
      }
    }
  describe(`${name}: refusals of the whole store`, () => {
    test('no cluster yet: NOT_INITIALIZED, and what is wrong with a request is said first', withStore(uninitialized, false))
    test('a full store: QUOTA_EXCEEDED, and what makes it no larger passes', withStore(quotaContract))
    test('a timeout out of range: is refused', withStore(refusedTimeouts))
    test('nothing can be committed', withStore(traits.deadlines === 'kept' ? keptDeadlines : noDeadlines))
  })
}

async function uninitialized({ store }: OpenedStore): Promise<void> {
  await refuses('NOT_INITIALIZED', put(store, 'k', 'v'))
  await refuses('NOT_INITIALIZED', store.write({ Txn: { compare: [], then: [{ Get: { key: 'k' } }] } }))
  await refuses('NOT_INITIALIZED', store.read('k'))
  const error = await refuses('NOT_INITIALIZED', store.scan({}))
  assert.equal(error.retryable, true)
  await refuses('INVALID_KEY', store.read(''))
  await refuses('KEY_TOO_LARGE', put(store, 'k'.repeat(1025), ''))
  await refuses('INVALID_REQUEST', store.scan({ limit: 0 }))
}

async function refusedTimeouts({ store }: OpenedStore): Promise<void> {
  for (const timeoutMs of [0, -1, 60_001, Number.POSITIVE_INFINITY, Number.NaN]) {
    await refuses('INVALID_REQUEST', store.write({ Set: { key: 'k', value: 'v' } }, { timeoutMs }), `timeout ${timeoutMs}`)
    await refuses('INVALID_REQUEST', store.read('k', { timeoutMs }), `timeout ${timeoutMs}`)
    await refuses('INVALID_REQUEST', store.scan({}, { timeoutMs }), `timeout ${timeoutMs}`)
  }
  assert.equal(await store.read('k', { timeoutMs: 60_000 }), undefined)
}

async function keptDeadlines({ store, stall }: OpenedStore): Promise<void> {
  await put(store, 'k', 'v')
  await stall()
  const startedAt = performance.now()
  const writes = [
    () => store.write({ Set: { key: 'k', value: 'w' } }, { timeoutMs: 300 }),
    () => store.write({ Set: { key: 'k', value: 'w' } }, { timeoutMs: 300, origin: { client: 'c', sequence: 1 } }),
  ]
  const reads = [() => store.read('k', { timeoutMs: 300 }), () => store.scan({}, { timeoutMs: 300 })]
  const calls = [...writes, ...reads]
  // Which of the two it is depends on whether the node has noticed yet that it leads nobody.
  for (const call of writes) {
    await assert.rejects(call(), ({ code }: AspenError) => code === 'OUTCOME_UNKNOWN' || code === 'NO_LEADER')
  }
  // A read can always be sent again, and says so.
  for (const call of reads) {
    await assert.rejects(
      call(),
      ({ code, retryable }: AspenError) => (code === 'DEADLINE_EXCEEDED' || code === 'NO_LEADER') && retryable,
    )
  }
  const elapsed = performance.now() - startedAt
  assert.ok(elapsed < calls.length * WELL_BEFORE_DEFAULT_MS, `four deadlines of 300 ms took ${Math.round(elapsed)} ms`)
  await refuses('INVALID_KEY', store.read(bytesOf()))
}

async function noDeadlines({ store, stall, resume }: OpenedStore): Promise<void> {
  await put(store, 'k', 'v')
  await stall()
  let settled = 0
  const count = (): void => void settled++
  const calls = [store.write({ Set: { key: 'k', value: 'w' } }, { timeoutMs: 1 }), store.read('k', { timeoutMs: 1 })]
  for (const call of calls) call.finally(count).catch(count)
  const realDeadline = performance.now() + 20
  while (performance.now() < realDeadline) await new Promise(setImmediate)
  assert.equal(settled, 0)
  resume()
  await Promise.all(calls)
  assert.equal(await textAt(store, 'k'), 'w')
}
