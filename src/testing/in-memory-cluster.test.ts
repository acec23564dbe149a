import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AspenError } from '../api/index.ts'
import type { KeyValueStore, WriteCommand } from '../api/index.ts'
import { InMemoryCluster } from './in-memory-cluster.ts'

const text = new TextDecoder()

async function allKeys(store: KeyValueStore, limit: number): Promise<string[]> {
  const keys: string[] = []
  let token: string | null = null
  do {
    const page: Awaited<ReturnType<KeyValueStore['scan']>> = await store.scan({ limit, ...(token === null ? {} : { token }) })
    keys.push(...page.entries.map((entry) => text.decode(entry.key)))
    token = page.token
  } while (token !== null)
  return keys
}

const key = fc.constantFrom('a', 'b', 'ü', '\uffff', '😀', 'ab')
const command: fc.Arbitrary<WriteCommand> = fc.oneof(
  fc.record({ Set: fc.record({ key, value: fc.string() }) }),
  fc.record({ Delete: fc.record({ key }) }),
  fc.record({ SetMulti: fc.record({ pairs: fc.array(fc.tuple(key, fc.string()), { minLength: 1 }) }) }),
  fc.record({ DeleteMulti: fc.record({ keys: fc.array(key, { minLength: 1 }) }) }),
)

/** What a plain Map of values and write counts makes of a command. */
function applyToModel(model: Map<string, { value: string; version: number }>, write: WriteCommand): void {
  const set = (k: string, value: string): unknown => model.set(k, { value, version: (model.get(k)?.version ?? 0) + 1 })
  if ('Set' in write) set(write.Set.key as string, write.Set.value as string)
  else if ('SetMulti' in write) for (const [k, v] of write.SetMulti.pairs) set(k as string, v as string)
  else if ('Delete' in write) model.delete(write.Delete.key as string)
  else if ('DeleteMulti' in write) for (const k of write.DeleteMulti.keys) model.delete(k as string)
}

describe('InMemoryCluster', () => {
  test('write, read and scan: agree with a plain map, keys in the order of their bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), async (commands, limit) => {
        const cluster = new InMemoryCluster({ initialized: true })
        const model = new Map<string, { value: string; version: number }>()
        for (const write of commands) {
          applyToModel(model, write)
          await cluster.write(write)
        }
        const expected = [...model.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        assert.deepEqual(await allKeys(cluster, limit), expected)
        let bytes = 0
        for (const [k, { value, version }] of model) {
          const entry = await cluster.read(k)
          assert.deepEqual([text.decode(entry?.value), entry?.version], [text.decode(Buffer.from(value)), version])
          bytes += Buffer.byteLength(k) + Buffer.byteLength(value)
        }
        assert.deepEqual([cluster.status().keys, cluster.status().stateBytes], [model.size, bytes])
      }),
      { numRuns: 50 },
    )
  })

  test('revisions: begin again after a delete', async () => {
    const cluster = new InMemoryCluster({ initialized: true })
    await cluster.write({ Set: { key: 'k', value: '1' } })
    await cluster.write({ Set: { key: 'k', value: '2' } })
    const { createRevision, modRevision, version } = (await cluster.read('k')) ?? assert.fail()
    assert.deepEqual([createRevision, modRevision, version], [2, 3, 2])
    await cluster.write({ Delete: { key: 'k' } })
    await cluster.write({ Set: { key: 'k', value: '3' } })
    const again = (await cluster.read('k')) ?? assert.fail()
    assert.deepEqual([again.createRevision, again.modRevision, again.version], [5, 5, 1])
  })

  test('origin: the same command is done once, every sequence is applied, and another command is refused', async () => {
    const cluster = new InMemoryCluster({ initialized: true })
    const write = (value: string): WriteCommand => ({ Set: { key: 'k', value } })
    const first = await cluster.write(write('1'), { origin: { client: 'c', sequence: 1 } })
    await cluster.write(write('3'), { origin: { client: 'c', sequence: 3 } })
    assert.deepEqual(await cluster.write(write('1'), { origin: { client: 'c', sequence: 1 } }), first)
    await cluster.write(write('2'), { origin: { client: 'c', sequence: 2 } })
    await assert.rejects(cluster.write(write('x'), { origin: { client: 'c', sequence: 2 } }), { code: 'SEQUENCE_REUSED' })
    await assert.rejects(cluster.write(write('x'), { origin: { client: 'd', sequence: 2 } }), { code: 'SESSION_UNKNOWN' })
    assert.equal((await cluster.read('k'))?.version, 3)
    const other = await cluster.write(write('4'), { origin: { client: 'd', sequence: 1 }, revision: true })
    assert.deepEqual(other, { logId: { term: 1, index: 8 }, revision: 5 })
  })

  test('scan: a page ends before it holds more than 4 MiB, and the next one goes on', async () => {
    const cluster = new InMemoryCluster({ initialized: true })
    for (let i = 0; i < 6; i++) await cluster.write({ Set: { key: `k${i}`, value: new Uint8Array(1024 * 1024) } })
    const page = await cluster.scan({})
    assert.deepEqual([page.entries.length, page.token !== null], [3, true])
    assert.deepEqual(await allKeys(cluster, 100), ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'])
  })

  test('scan: a prefix is left as it was, also in a Buffer', async () => {
    const cluster = new InMemoryCluster({ initialized: true })
    await cluster.write({ SetMulti: { pairs: [['user/1', ''], ['z', '']] } }) // prettier-ignore
    const prefix = Buffer.from('user/')
    assert.equal((await cluster.scan({ prefix })).entries.length, 1)
    assert.equal(prefix.toString(), 'user/')
  })

  test('refuseWith, pause and poison: stand in for a node in trouble', async () => {
    const cluster = new InMemoryCluster({ initialized: true })
    cluster.refuseWith(new AspenError('OVERLOADED', 'full'))
    await assert.rejects(cluster.read('k'), { code: 'OVERLOADED' })
    cluster.refuseWith(null)
    cluster.pause()
    const waiting = cluster.read('k')
    assert.equal(await Promise.race([waiting, new Promise((resolve) => setImmediate(resolve, 'waits'))]), 'waits')
    cluster.resume()
    assert.equal(await waiting, undefined)
    cluster.poison('a sync failed')
    await assert.rejects(cluster.read('k'), { code: 'POISONED' })
  })
})
