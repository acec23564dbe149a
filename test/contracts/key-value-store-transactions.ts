/** Conditions, branches and results of transactions. */
import assert from 'node:assert/strict'
import type { KeyValueStore, WriteCondition, WriteOperation, WriteResult } from '../../src/api/index.ts'
import { bytesOf, MIB, plainEntry, put, refuses, revisionsAt, textAt, under, utf8 } from './key-value-store-place.ts'
import type { StoreTest } from './key-value-store-place.ts'

type Outcome = NonNullable<WriteResult['txn']>

async function transact(
  store: KeyValueStore,
  compare: readonly WriteCondition[],
  then: readonly WriteOperation[],
  otherwise?: readonly WriteOperation[],
): Promise<Outcome & { readonly revision: number }> {
  const { revision, txn } = await store.write({ Txn: { compare, then, ...(otherwise === undefined ? {} : { else: otherwise }) } })
  return {
    ...(txn ?? assert.fail('a transaction has an outcome')),
    revision: revision ?? assert.fail('a transaction has a revision'),
  }
}

/** Results in which bytes can be compared. */
function plainResults({ results }: Outcome): unknown {
  return results.map((one) => (one.type === 'get' ? { type: 'get', entry: plainEntry(one.entry) } : one))
}

export function transactionContract(test: StoreTest): void {
  conditionContract(test)
  operationContract(test)
  boundContract(test)
}

function conditionContract(test: StoreTest): void {
  test('compare: each kind of condition holds when it should, and only then', async ({ store, prefix }) => {
    const [k, empty, none] = [`${prefix}k`, `${prefix}empty`, `${prefix}none`]
    const created = await put(store, k, 'old')
    const modified = await put(store, k, bytesOf(0xff, 0))
    await put(store, empty, '')
    const cases: readonly (readonly [WriteCondition, boolean])[] = [
      [{ key: k, value: bytesOf(0xff, 0) }, true],
      [{ key: k, value: bytesOf(0xff) }, false],
      [{ key: k, value: 'old' }, false],
      [{ key: empty, value: '' }, true],
      [{ key: none, value: '' }, false],
      [{ key: k, mod_revision: modified }, true],
      [{ key: k, mod_revision: created }, false],
      [{ key: k, mod_revision: 0 }, false],
      [{ key: none, mod_revision: 0 }, true],
      [{ key: none, mod_revision: modified }, false],
      [{ key: none, absent: true }, true],
      [{ key: none, absent: false }, false],
      [{ key: k, absent: true }, false],
      [{ key: empty, absent: false }, true],
    ]
    for (const [condition, holds] of cases) {
      const { succeeded } = await transact(store, [condition], [])
      assert.equal(succeeded, holds, JSON.stringify(condition))
    }
  })

  test('compare: all conditions must hold; without any, they do', async ({ store, prefix }) => {
    await put(store, `${prefix}a`, '1')
    const [yes, no] = [{ key: `${prefix}a`, value: '1' }, { key: `${prefix}a`, absent: true }] as const // prettier-ignore
    const outcomes = [[], [yes], [yes, yes], [yes, no], [no, yes], [no]].map(
      async (compare) => (await transact(store, compare, [{ Get: { key: `${prefix}a` } }])).succeeded,
    )
    assert.deepEqual(await Promise.all(outcomes), [true, true, true, false, false, false])
  })

  test('compare: sees the state before the transaction', async ({ store, prefix }) => {
    const { succeeded } = await transact(
      store,
      [{ key: `${prefix}k`, absent: true }],
      [{ Set: { key: `${prefix}k`, value: '1' } }, { Set: { key: `${prefix}k`, value: '2' } }],
    )
    assert.equal(succeeded, true)
    assert.equal(await textAt(store, `${prefix}k`), '2')
  })
}

function operationContract(test: StoreTest): void {
  test('then: its operations run in order, each seeing those before it', async ({ store, prefix }) => {
    const key = `${prefix}k`
    const first = await put(store, key, 'old')
    const get = { Get: { key } }
    const outcome = await transact(
      store,
      [],
      [
        get,
        { Set: { key, value: bytesOf(0x80) } },
        get,
        { Delete: { key } },
        get,
        { Delete: { key } },
        { Set: { key, value: 'new' } },
        get,
      ],
    )
    const entry = (value: Uint8Array, createRevision: number, modRevision: number, version: number): unknown => ({
      type: 'get',
      entry: plainEntry({ key: utf8(key), value, createRevision, modRevision, version }),
    })
    assert.deepEqual(plainResults(outcome), [
      entry(utf8('old'), first, first, 1),
      { type: 'set' },
      entry(bytesOf(0x80), first, outcome.revision, 2),
      { type: 'delete', deleted: true },
      { type: 'get', entry: null },
      { type: 'delete', deleted: false },
      { type: 'set' },
      entry(utf8('new'), outcome.revision, outcome.revision, 1),
    ])
  })

  test('else: runs when a condition fails, and only then', async ({ store, prefix }) => {
    const [lock, count] = [`${prefix}lock`, `${prefix}count`]
    const take = async (me: string): Promise<unknown> => {
      const outcome = await transact(
        store,
        [{ key: lock, absent: true }],
        [{ Set: { key: lock, value: me } }],
        [{ Get: { key: lock } }, { Set: { key: count, value: me } }],
      )
      return [outcome.succeeded, outcome.results.length, outcome.results[0]?.type]
    }
    assert.deepEqual(await take('one'), [true, 1, 'set'])
    assert.equal(await store.read(count), undefined)
    assert.deepEqual(await take('two'), [false, 2, 'get'])
    assert.deepEqual([await textAt(store, lock), await textAt(store, count)], ['one', 'two'])
  })

  test('a branch that is empty or absent: does nothing and has no results', async ({ store, prefix }) => {
    const set = { Set: { key: `${prefix}k`, value: '1' } }
    const fails = [{ key: `${prefix}k`, absent: false }]
    for (const otherwise of [undefined, []]) {
      const { succeeded, results } = await transact(store, fails, [set], otherwise)
      assert.deepEqual([succeeded, results], [false, []])
    }
    const { succeeded, results } = await transact(store, [], [], [set])
    assert.deepEqual([succeeded, results], [true, []])
    assert.equal(await store.read(`${prefix}k`), undefined)
  })

  test('a transaction that only reads: leaves the revisions as they are', async ({ store, prefix }) => {
    const key = under(prefix, 0xfe)
    const first = await put(store, key, bytesOf(1))
    const outcome = await transact(store, [{ key, value: bytesOf(1) }], [{ Get: { key } }])
    assert.equal(outcome.revision, first)
    assert.deepEqual(await revisionsAt(store, key), [first, first, 1])
  })
}

function boundContract(test: StoreTest): void {
  test('conditions and operations: 1 to 100 of them together', async ({ store, prefix }) => {
    const key = `${prefix}k`
    const [compare, get] = [{ key, absent: true }, { Get: { key } }]
    const [then, otherwise] = [Array.from({ length: 60 }, () => get), Array.from({ length: 30 }, () => get)]
    const conditions = Array.from({ length: 10 }, () => compare)
    assert.equal((await transact(store, conditions, then, otherwise)).results.length, 60)
    const error = await refuses('BATCH_TOO_LARGE', transact(store, [...conditions, compare], then, otherwise))
    assert.deepEqual(error.details, { size: 101, limit: 100 })
    await refuses('INVALID_REQUEST', transact(store, [], []))
    await refuses('INVALID_REQUEST', transact(store, [], [], []))
    assert.equal((await transact(store, [compare], [])).succeeded, true)
  })

  test('keys, values and revisions that are none: are refused wherever they stand', async ({ store, prefix }) => {
    const [key, big] = [`${prefix}k`, new Uint8Array(MIB + 1)]
    await refuses('INVALID_KEY', transact(store, [{ key: '', absent: true }], []))
    await refuses('INVALID_KEY', transact(store, [], [{ Get: { key: '' } }]))
    await refuses('INVALID_KEY', transact(store, [], [], [{ Delete: { key: bytesOf() } }]))
    await refuses('KEY_TOO_LARGE', transact(store, [], [{ Set: { key: 'k'.repeat(1025), value: '' } }]))
    await refuses('VALUE_TOO_LARGE', transact(store, [{ key, value: big }], []))
    await refuses('VALUE_TOO_LARGE', transact(store, [], [], [{ Set: { key, value: big } }]))
    await refuses('INVALID_REQUEST', transact(store, [{ key, value: '\ud800' }], []))
    for (const revision of [-1, 1.5, 2 ** 53]) {
      await refuses('INVALID_REQUEST', transact(store, [{ key, mod_revision: revision }], []), String(revision))
    }
  })

  test('more found than an answer holds: RESULT_TOO_LARGE, and the transaction took effect', async ({ store, prefix }) => {
    for (let i = 0; i < 8; i++) await put(store, `${prefix}large/${i}`, new Uint8Array(MIB))
    const gets = Array.from({ length: 8 }, (_, i) => ({ Get: { key: `${prefix}large/${i}` } }))
    const set = { Set: { key: `${prefix}done`, value: 'yes' } }
    const error = await refuses('RESULT_TOO_LARGE', transact(store, [], [...gets, set]))
    const entry = (await store.read(`${prefix}done`)) ?? assert.fail('it did not take effect')
    const { revision, succeeded } = error.details
    assert.deepEqual([revision, succeeded, error.retryable], [entry.modRevision, true, false])
    assert.equal((await transact(store, [], gets.slice(1))).results.length, 7)
  })
}
