/** Writes that carry an origin are done once, however often they are sent. */
import assert from 'node:assert/strict'
import type { ClientSequence, WriteCommand } from '../../src/api/index.ts'
import { plainEntry, put, refuses, revisionsAt, textAt } from './key-value-store-place.ts'
import type { StoreTest } from './key-value-store-place.ts'

export function sessionContract(test: StoreTest): void {
  repetitionContract(test)
  originContract(test)
}

function repetitionContract(test: StoreTest): void {
  test('origin: a repeated write is done once and answered as the first time', async ({ store, direct, prefix }) => {
    const origin = { client: `${prefix}c`, sequence: 1 }
    const write = { Set: { key: `${prefix}k`, value: 'once' } }
    const first = await store.write(write, { origin })
    await put(store, `${prefix}k`, 'somebody else')
    assert.deepEqual(await store.write(write, { origin }), first)
    assert.deepEqual(await direct.write(write, { origin }), first)
    assert.equal(await textAt(store, `${prefix}k`), 'somebody else')
    assert.equal((await revisionsAt(store, `${prefix}k`))?.[2], 2)
  })

  test('origin: another command with the same one is refused, and not applied', async ({ store, direct, prefix }) => {
    const origin = { client: `${prefix}c`, sequence: 1 }
    await store.write({ Set: { key: `${prefix}k`, value: '1' } }, { origin })
    await refuses('SEQUENCE_REUSED', store.write({ Delete: { key: `${prefix}k` } }, { origin }))
    await refuses('SEQUENCE_REUSED', direct.write({ Set: { key: `${prefix}k`, value: '2' } }, { origin }))
    assert.equal(await textAt(store, `${prefix}k`), '1')
  })

  test('origin: a repeated transaction has the results it had', async ({ store, prefix }) => {
    const key = `${prefix}k`
    const before = await put(store, key, 'old')
    const txn = { Txn: { compare: [{ key, mod_revision: before }], then: [{ Get: { key } }, { Delete: { key } }] } }
    const results = []
    for (let i = 0; i < 2; i++) {
      const result = await store.write(txn, { origin: { client: `${prefix}c`, sequence: 1 } })
      const [get, deleted] = result.txn?.results ?? []
      results.push([result.logId, result.revision, result.txn?.succeeded, get?.type === 'get' && plainEntry(get.entry), deleted])
    }
    assert.deepEqual(results[1], results[0])
    assert.deepEqual(results[0]?.[4], { type: 'delete', deleted: true })
  })

  test('origin: what a transaction found is not remembered when it is large', async ({ store, prefix }) => {
    const origin = { client: `${prefix}c`, sequence: 1 }
    await put(store, `${prefix}k`, new Uint8Array(70_000))
    const txn = { Txn: { compare: [], then: [{ Get: { key: `${prefix}k` } }] } }
    const first = await store.write(txn, { origin })
    assert.equal(first.txn?.results.length, 1)
    const error = await refuses('RESULT_TOO_LARGE', store.write(txn, { origin }))
    const { log_id, succeeded, revision } = error.details
    assert.deepEqual([log_id, succeeded, revision], [first.logId, true, first.revision])
  })

  test('origin: sent many times at once, it is done once', async ({ store, direct, prefix }) => {
    const origin = { client: `${prefix}c`, sequence: 1 }
    const write = { Set: { key: `${prefix}k`, value: 'v' } }
    const calls = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? store : direct).write(write, { origin }))
    const [first, ...others] = await Promise.all(calls)
    for (const other of others) assert.deepEqual(other, first)
    assert.equal((await revisionsAt(store, `${prefix}k`))?.[2], 1)
  })
}

function originContract(test: StoreTest): void {
  test('sequence: every one of the last 128 is applied once, in whatever order', async ({ store, direct, prefix }) => {
    const at = (sequence: number): { origin: ClientSequence } => ({ origin: { client: `${prefix}c`, sequence } })
    const set = (value: number): WriteCommand => ({ Set: { key: `${prefix}${value}`, value: '' } })
    await store.write(set(1), at(1))
    const sequences = Array.from({ length: 30 }, (_, i) => 31 - i)
    const first = await Promise.all(sequences.map((n) => (n % 2 === 0 ? store : direct).write(set(n), at(n))))
    const again = await Promise.all(sequences.map((n) => store.write(set(n), at(n))))
    assert.deepEqual(again, first)
    const page = await store.scan({ prefix, limit: 1000 })
    assert.deepEqual([page.entries.length, page.entries.every(({ version }) => version === 1)], [31, true])
  })

  test('sequence: of one that was passed it is said that this attempt was not applied', async ({ store, prefix }) => {
    const at = (sequence: number): { origin: ClientSequence } => ({ origin: { client: `${prefix}c`, sequence } })
    const set = (value: string): WriteCommand => ({ Set: { key: `${prefix}k`, value } })
    await store.write(set('1'), at(1))
    await store.write(set('200'), at(200))
    await refuses('SEQUENCE_PASSED', store.write(set('1'), at(1)))
    await refuses('SEQUENCE_PASSED', store.write(set('72'), at(72)))
    await store.write(set('73'), at(73))
    assert.equal(await textAt(store, `${prefix}k`), '73')
    await store.write(set('last'), at(Number.MAX_SAFE_INTEGER))
    assert.equal((await revisionsAt(store, `${prefix}k`))?.[2], 4)
  })

  test('sequence: a client that nobody knows begins with 1', async ({ store, prefix }) => {
    const set = { Set: { key: `${prefix}k`, value: 'v' } }
    await refuses('SESSION_UNKNOWN', store.write(set, { origin: { client: `${prefix}c`, sequence: 2 } }))
    assert.equal(await store.read(`${prefix}k`), undefined)
    await store.write(set, { origin: { client: `${prefix}c`, sequence: 1 } })
  })

  test('client: each has a sequence of its own', async ({ store, prefix }) => {
    const set = { Set: { key: `${prefix}k`, value: 'v' } }
    for (const client of ['a', 'A', 'ä', 'a ']) await store.write(set, { origin: { client: `${prefix}${client}`, sequence: 1 } })
    assert.equal((await revisionsAt(store, `${prefix}k`))?.[2], 4)
  })

  test('a write that was refused: does not use up its sequence', async ({ store, prefix }) => {
    const origin = { client: `${prefix}c`, sequence: 1 }
    await refuses('INVALID_KEY', store.write({ Set: { key: '', value: 'v' } }, { origin }))
    await store.write({ Set: { key: `${prefix}k`, value: 'v' } }, { origin })
    assert.equal(await textAt(store, `${prefix}k`), 'v')
  })

  test('an origin that is none: INVALID_REQUEST', async ({ store, prefix }) => {
    const set = { Set: { key: `${prefix}k`, value: 'v' } }
    const clients = ['', 'x'.repeat(65), 'é'.repeat(33), '\ud800']
    const sequences = [0, -1, 1.5, 2 ** 53, Number.NaN]
    const bad = [
      ...clients.map((client) => ({ client, sequence: 1 })),
      ...sequences.map((sequence) => ({ client: `${prefix}c`, sequence })),
    ]
    for (const origin of bad) await refuses('INVALID_REQUEST', store.write(set, { origin }), JSON.stringify(origin))
    assert.equal(await store.read(`${prefix}k`), undefined)
    for (const client of [prefix.padEnd(64, 'x'), prefix.padEnd(prefix.length + (64 - prefix.length) / 2, 'é')]) {
      await store.write(set, { origin: { client, sequence: 1 } })
    }
    assert.equal((await revisionsAt(store, `${prefix}k`))?.[2], 2)
  })
}
