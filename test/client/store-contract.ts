/**
 * What a client of the key-value store does, whatever it speaks with the nodes: beside what every store does, which
 * test/contracts/key-value-store.ts has.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { KvClient } from '../../src/client/index.ts'
import type { ErrorCode, KeyValueStore } from '../../src/api/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'

/** What a node does with every request, where it is not a node at all. */
export type Behaviour =
  /** Refuses with this code, the details being `{ at: 'test' }`. */
  | { readonly refuse: ErrorCode }
  /** Takes the request and hangs up. */
  | 'reset'
  /** Takes the request and says nothing. */
  | 'silent'

export interface ScriptedNode<Target> {
  readonly target: Target
  /** How many requests it was asked. */
  asked(): number
}

/** One way of reaching nodes. */
export interface ClientWorld<Target> {
  /** Serves a cluster. */
  node(cluster: InMemoryCluster): Promise<Target>
  scripted(behaviour: Behaviour): Promise<ScriptedNode<Target>>
  /** Where nobody listens. */
  dead(): Promise<Target>
  client(targets: readonly Target[], options?: { readonly timeoutMs?: number }): KeyValueStore
  /** What NO_LEADER says when nobody listens there. */
  deadDetails(target: Target): object
  close(): Promise<void>
}

const WRITE = { Set: { key: 'k', value: 'v' } }
const ORIGIN = { client: 'c', sequence: 1 }
const founded = (): InMemoryCluster => new InMemoryCluster({ initialized: true })
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

/** Buffers and Uint8Arrays of the same bytes are alike. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

/** Registers the tests. */
export function describeStore<Target>(name: string, createWorld: () => ClientWorld<Target>): void {
  let world: ClientWorld<Target>
  before(() => {
    world = createWorld()
  })
  after(async () => world.close())
  describeAnswers(name, () => world)
  describeTrouble(name, () => world)
}

function describeAnswers<Target>(name: string, world: () => ClientWorld<Target>): void {
  const connect = async (cluster: InMemoryCluster): Promise<KeyValueStore> => world().client([await world().node(cluster)])

  describe(`${name}: the key-value store`, () => {
    test('write, read and scan: are those of the store itself', async () => {
      const cluster = founded()
      const aspen = await connect(cluster)
      assert.deepEqual(await aspen.write({ Set: { key: 'hello', value: 'wörld' } }), { logId: { term: 1, index: 2 } })
      assert.deepEqual(await aspen.write({ SetMulti: { pairs: [['a', bytes(0xff)], ['b', '']] } }), { logId: { term: 1, index: 3 } }) // prettier-ignore
      await aspen.write({ Set: { key: bytes(0xfe, 0), value: bytes() } })
      for (const key of ['hello', 'a', 'b', bytes(0xfe, 0), 'missing']) {
        assert.deepEqual(plain(await aspen.read(key)), plain(await cluster.read(key)), String(key))
      }
      const request = { start: 'a', limit: 2 }
      const page = await aspen.scan(request)
      assert.deepEqual(plain(page), plain(await cluster.scan(request)))
      assert.ok(page.token !== null)
      const next = { ...request, token: page.token }
      assert.deepEqual(plain(await aspen.scan(next)), plain(await cluster.scan(next)))
      for (const whole of [{ prefix: 'a' }, { prefix: '' }, { start: bytes(0), end: 'b' }, {}]) {
        assert.deepEqual(plain(await aspen.scan(whole)), plain(await cluster.scan(whole)))
      }
      await aspen.write({ DeleteMulti: { keys: ['a', bytes(0xfe, 0)] } })
      await aspen.write({ Delete: { key: 'b' } })
      assert.equal(cluster.status().keys, 1)
    })

    test('errors: arrive with code, message and details', async () => {
      const cluster = founded()
      const aspen = await connect(cluster)
      await assert.rejects(aspen.write({ Set: { key: 'k'.repeat(2000), value: '' } }), {
        name: 'AspenError',
        code: 'KEY_TOO_LARGE',
        details: { size: 2000, limit: 1024 },
      })
      await assert.rejects(aspen.write({ Set: { key: '\ud800', value: '' } }), { code: 'INVALID_REQUEST' })
      await assert.rejects(aspen.write({ Set: { key: '\ud800', value: bytes(1) } }), { code: 'INVALID_REQUEST' })
      await assert.rejects(aspen.write(WRITE, { origin: { client: '', sequence: 1 } }), { code: 'INVALID_REQUEST' })
      await assert.rejects(aspen.scan({ token: 'nonsense' }), { code: 'INVALID_TOKEN' })
      await assert.rejects(aspen.scan({ limit: 1001 }), { code: 'INVALID_REQUEST' })
      await assert.rejects(aspen.read(''), { code: 'INVALID_KEY' })
      cluster.poison('a sync failed')
      await assert.rejects(aspen.write(WRITE), { code: 'POISONED' })
    })

    test('many calls at once: are all answered', async () => {
      const cluster = founded()
      const aspen = await connect(cluster)
      await Promise.all(Array.from({ length: 200 }, (_, i) => aspen.write({ Set: { key: `k${i}`, value: '' } })))
      assert.equal(cluster.status().keys, 200)
    })

    test('KvClient: set, get, delete and entries over it', async () => {
      const kv = new KvClient(await connect(founded()))
      for (let i = 0; i < 5; i++) await kv.set(`user/${i}`, `value ${i}`)
      assert.equal(await kv.getText('user/3'), 'value 3')
      assert.deepEqual(plain(await kv.get('user/3')), [...Buffer.from('value 3')])
      const keys: string[] = []
      for await (const entry of kv.entries({ prefix: 'user/', limit: 2 })) keys.push(Buffer.from(entry.key).toString())
      assert.deepEqual(keys, ['user/0', 'user/1', 'user/2', 'user/3', 'user/4'])
      await kv.delete('user/3')
      assert.deepEqual([await kv.get('user/3'), await kv.getText('user/3')], [undefined, undefined])
    })
  })
}

function describeTrouble<Target>(name: string, world: () => ClientWorld<Target>): void {
  describe(`${name}: nodes in trouble`, () => {
    test('a node that refuses connections: the next one is asked, also for writes', async () => {
      const aspen = world().client([await world().dead(), await world().node(founded())])
      await aspen.write(WRITE)
      assert.equal((await aspen.read('k'))?.version, 1)
    })

    test('a refusal that changed nothing: the next node is asked, also for writes', async () => {
      for (const code of ['NO_LEADER', 'NOT_LEADER', 'NOT_APPLIED', 'STOPPING', 'NOT_INITIALIZED'] as const) {
        const bad = await world().scripted({ refuse: code })
        const cluster = founded()
        await world()
          .client([bad.target, await world().node(cluster)])
          .write(WRITE)
        assert.deepEqual([bad.asked(), cluster.status().lastLogIndex], [1, 2], code)
      }
    })

    test('a connection reset after a write was sent: OUTCOME_UNKNOWN, and nobody else is asked', async () => {
      const bad = await world().scripted('reset')
      const good = await world().scripted({ refuse: 'INTERNAL' })
      await assert.rejects(world().client([bad.target, good.target]).write(WRITE), { code: 'OUTCOME_UNKNOWN' })
      assert.deepEqual([bad.asked(), good.asked()], [1, 0])
    })

    test('a write without an answer in time: OUTCOME_UNKNOWN, asked once', async () => {
      const silent = await world().scripted('silent')
      const aspen = world().client([silent.target, silent.target])
      // Long enough for the way to the node to be open.
      await assert.rejects(aspen.write(WRITE, { timeoutMs: 300 }), { code: 'OUTCOME_UNKNOWN' })
      assert.equal(silent.asked(), 1)
    })

    test('OUTCOME_UNKNOWN, POISONED and INTERNAL from a node: a write is not sent again', async () => {
      for (const code of ['OUTCOME_UNKNOWN', 'POISONED', 'INTERNAL', 'QUOTA_EXCEEDED', 'INVALID_REQUEST'] as const) {
        const bad = await world().scripted({ refuse: code })
        await assert.rejects(world().client([bad.target, bad.target]).write(WRITE), { code, details: { at: 'test' } })
        assert.equal(bad.asked(), 1, code)
      }
    })

    test('a write with an origin, and a read: go on to the next node after anything of the kind', async () => {
      for (const behaviour of ['reset', { refuse: 'OUTCOME_UNKNOWN' }, { refuse: 'POISONED' }, { refuse: 'INTERNAL' }] as const) {
        const bad = await world().scripted(behaviour)
        const targets = [bad.target, await world().node(founded())]
        await world().client(targets).write(WRITE, { origin: ORIGIN })
        assert.equal((await world().client(targets).read('k'))?.version, 1)
        assert.equal(bad.asked(), 2)
      }
    })

    test('a silent node: a read asks the next one within its deadline', async () => {
      const silent = await world().scripted('silent')
      const cluster = founded()
      await cluster.write(WRITE)
      const entry = await world()
        .client([silent.target, await world().node(cluster)])
        .read('k', { timeoutMs: 1_000 })
      assert.equal(entry?.version, 1)
    })

    test('a silent node: the first write waits for it, and those after it ask another', async () => {
      const silent = await world().scripted('silent')
      const cluster = founded()
      const aspen = world().client([silent.target, await world().node(cluster)])
      await assert.rejects(aspen.write(WRITE, { timeoutMs: 300 }), { code: 'OUTCOME_UNKNOWN' })
      // Had they been sent to the silent one, they would be unknown too.
      for (let i = 0; i < 3; i++) await aspen.write(WRITE)
      assert.equal(silent.asked(), 1)
    })

    test('a read that nobody answers: DEADLINE_EXCEEDED, which may be sent again', async () => {
      const silent = await world().scripted('silent')
      const aspen = world().client([silent.target])
      for (const call of [() => aspen.read('k', { timeoutMs: 300 }), () => aspen.scan({}, { timeoutMs: 300 })]) {
        await assert.rejects(call(), { code: 'DEADLINE_EXCEEDED', retryable: true })
      }
    })

    test('no leader for a while: the call is repeated until there is one', async () => {
      const cluster = founded()
      const aspen = world().client([await world().node(cluster)])
      cluster.setLeader(null)
      const written = aspen.write(WRITE)
      while (cluster.status().turns < 3) await new Promise(setImmediate)
      cluster.setLeader(1)
      assert.deepEqual((await written).logId, { term: 1, index: 2 })
    })

    test('no leader until the deadline: NO_LEADER with the details of the node', async () => {
      const cluster = founded()
      const aspen = world().client([await world().node(cluster)])
      cluster.setLeader(null)
      await assert.rejects(aspen.write(WRITE, { timeoutMs: 300 }), { code: 'NO_LEADER', details: { leader: null, term: 1 } })
    })

    test('nobody reachable: NO_LEADER that names the last node and the reason', async () => {
      const target = await world().dead()
      const aspen = world().client([target], { timeoutMs: 300 })
      await assert.rejects(aspen.write(WRITE), { code: 'NO_LEADER', details: world().deadDetails(target) })
    })
  })
}
