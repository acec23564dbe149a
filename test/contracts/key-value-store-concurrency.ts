/** What is seen when several clients work at once: one order of everything, in which nothing goes back. */
import assert from 'node:assert/strict'
import type { KeyValueStore } from '../../src/api/index.ts'
import { pick, Prng, randomBetween } from '../../src/lib/index.ts'
import { checkLinearizable } from '../linearizability/index.ts'
import type { RecordedOperation } from '../linearizability/index.ts'
import { put, revisionsAt, textAt } from './key-value-store-place.ts'
import type { Plot, StoreTest } from './key-value-store-place.ts'

const CLIENTS = 6
const OPERATIONS = 40
const KEYS = 3

export function concurrencyContract(test: StoreTest): void {
  test('an acknowledged write: is seen by every read that begins after it, by any way', async ({ store, direct, prefix }) => {
    for (let i = 0; i < 50; i++) {
      const [writer, reader] = i % 2 === 0 ? [store, direct] : [direct, store]
      await put(writer, `${prefix}k`, String(i))
      const [read, { entries }] = await Promise.all([textAt(reader, `${prefix}k`), reader.scan({ prefix })])
      assert.deepEqual([read, new TextDecoder().decode(entries[0]?.value)], [String(i), String(i)])
    }
  })

  test('writes at once: all take effect, each at a place of its own', async ({ store, direct, prefix }) => {
    const writes = Array.from({ length: 100 }, (_, i) => put(i % 2 === 0 ? store : direct, `${prefix}k`, String(i)))
    const revisions = await Promise.all(writes)
    assert.equal(new Set(revisions).size, 100)
    const [first, last] = [Math.min(...revisions), Math.max(...revisions)]
    assert.deepEqual(await revisionsAt(store, `${prefix}k`), [first, last, 100])
    assert.equal(await textAt(store, `${prefix}k`), String(revisions.indexOf(last)))
  })

  test('transactions at once: no increment is lost', async ({ store, direct, prefix }) => {
    const key = `${prefix}counter`
    const increment = async (own: KeyValueStore): Promise<void> => {
      for (;;) {
        const entry = await own.read(key)
        const value = String(Number(new TextDecoder().decode(entry?.value)) + 1)
        const compare = [{ key, mod_revision: entry?.modRevision ?? 0 }]
        const { txn } = await own.write({ Txn: { compare, then: [{ Set: { key, value } }] } })
        if (txn?.succeeded === true) return
      }
    }
    const work = async (own: KeyValueStore): Promise<void> => {
      for (let i = 0; i < 5; i++) await increment(own)
    }
    await Promise.all(Array.from({ length: 4 }, (_, i) => work(i % 2 === 0 ? store : direct)))
    assert.equal(await textAt(store, key), '20')
  })

  test('a history of reads, writes and deletes at once: is linearizable', async (plot) => {
    const history: RecordedOperation[] = []
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => workload(plot, client, history)))
    assert.equal(history.length, CLIENTS * OPERATIONS)
    const verdict = checkLinearizable(history)
    assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
  })
}

async function workload({ store, direct, prefix }: Plot, client: number, history: RecordedOperation[]): Promise<void> {
  const prng = new Prng(client + 1)
  const own = client % 2 === 0 ? store : direct
  for (let i = 0; i < OPERATIONS; i++) {
    const key = `${prefix}${randomBetween(prng, 1, KEYS)}`
    const type = pick(prng, ['write', 'read', 'read', 'delete'] as const)
    const start = performance.now()
    const value = await operate(own, type, key, `${client}.${i}`)
    history.push({ key, client, type, value, start, end: performance.now(), outcome: 'ok' })
  }
}

/** Returns what was written or seen. */
async function operate(
  store: KeyValueStore,
  type: RecordedOperation['type'],
  key: string,
  value: string,
): Promise<string | null> {
  if (type === 'read') return (await textAt(store, key)) ?? null
  await store.write(type === 'write' ? { Set: { key, value } } : { Delete: { key } })
  return type === 'write' ? value : null
}
