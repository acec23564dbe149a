/**
 * Whatever a program hands over, it is taken or refused with an AspenError, and the store and its process work as before: one
 * number in place of a value once left every encoding of the process without bytes.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { AspenError, KvClient } from '../../src/api/index.ts'
import type { KeyValueStore } from '../../src/api/index.ts'
import { connectHttp, connectLink } from '../../src/client/index.ts'
import type { AspenNode } from '../../src/cluster/index.ts'
import { InMemoryCluster, simulate } from '../../src/testing/index.ts'
import { spoil, spoilings } from './junk.ts'
import { NodePlace } from './node-places.ts'
import { volume } from '../volume.ts'

const RUNS = volume(150, 45)
const ENDPOINT_ID = 'ab'.repeat(32)
const OPTIONS = { timeoutMs: 1000, origin: { client: 'junk', sequence: 1 } }

/** One call that is right, by method: what it is spoilt from. Founding and removing are left to refusals. */
const CALLS: Readonly<Record<string, readonly (() => unknown[])[]>> = {
  write: [
    () => [{ Set: { key: 'k', value: new Uint8Array(3) } }, { timeoutMs: 1000 }],
    () => [
      {
        SetMulti: {
          pairs: [
            ['a', 'b'],
            ['c', 'd'],
          ],
        },
      },
    ],
    () => [{ Delete: { key: 'k' } }, { ...OPTIONS, origin: { ...OPTIONS.origin } }],
    () => [{ DeleteMulti: { keys: ['a', new Uint8Array(2)] } }],
    () => [
      {
        Txn: {
          compare: [
            { key: 'k', value: 'v' },
            { key: 'k', mod_revision: 3 },
            { key: 'k', absent: true },
          ],
          then: [{ Set: { key: 'k', value: 'v' } }, { Get: { key: 'k' } }, { Delete: { key: 'k' } }],
          else: [{ Get: { key: 'k' } }],
        },
      },
    ],
  ],
  read: [() => ['k', { timeoutMs: 1000 }], () => [new Uint8Array(2)]],
  scan: [() => [{ prefix: 'k', limit: 3, token: 's1.aw' }, { timeoutMs: 1000 }], () => [{ start: 'a', end: new Uint8Array(3) }]],
  init: [() => [[1, 2], { timeoutMs: 1000 }]],
  // Another key of this very node: refused at once, where a stranger would be waited for.
  addLearner: [() => [1, ENDPOINT_ID, { timeoutMs: 50 }]],
  changeMembership: [() => [{ members: [1, 9], learners: [8] }, { timeoutMs: 50 }]],
  forgetPeer: [() => [ENDPOINT_ID]],
  addPeer: [() => [{ nodeId: 1, endpointId: ENDPOINT_ID, addresses: ['127.0.0.1:1'], relay: null }]],
}

const STORE = ['write', 'read', 'scan']

type Method = (...args: unknown[]) => Promise<unknown>

/** Calls a method with arguments that no compiler has seen. */
async function call(target: object, name: string, args: unknown[]): Promise<void> {
  let answer: Promise<unknown>
  try {
    answer = (Reflect.get(target, name) as Method).apply(target, args)
  } catch (error) {
    assert.fail(`${name} threw instead of answering with a promise: ${String(error)}`)
  }
  await answer.catch((error: unknown) => {
    if (error instanceof AspenError && error.code !== 'INTERNAL' && error.code !== 'POISONED') return
    assert.fail(`${name} was refused with ${String(error)}${error instanceof Error ? `\n${error.stack}` : ''}`)
  })
}

let rounds = 0

async function works(store: KeyValueStore): Promise<void> {
  const value = Buffer.from(`value ${++rounds}`)
  await store.write({ Set: { key: 'works', value } })
  const entry = await store.read('works')
  assert.deepEqual(Buffer.from(entry?.value ?? []), value)
  const { entries } = await store.scan({ prefix: 'works' })
  assert.equal(entries.length, 1)
}

function junkContract(
  name: string,
  methods: readonly string[],
  open: () => Promise<{ store: KeyValueStore; close: () => Promise<void> }>,
): void {
  describe(`${name}: junk`, () => {
    let opened: Awaited<ReturnType<typeof open>>
    before(async () => {
      opened = await open()
    })
    after(() => opened.close())
    for (const method of methods) {
      const shapes = CALLS[method] ?? []
      test(`${method}: takes or refuses whatever it is given, and goes on`, async () => {
        const { store } = opened
        const property = fc.asyncProperty(fc.constantFrom(...shapes), spoilings, async (make, wrong) => {
          await call(store, method, spoil(make(), wrong))
          await works(store)
        })
        await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
      })
    }
  })
}

async function openNode(connect: (nodes: NodePlace, node: AspenNode) => Promise<KeyValueStore>) {
  const nodes = new NodePlace('InMemory')
  const node = await nodes.start(1)
  await node.init([1])
  return { store: await connect(nodes, node), close: () => nodes.dispose() }
}

async function openMemory(wrap: (cluster: InMemoryCluster) => KeyValueStore) {
  return { store: wrap(new InMemoryCluster({ initialized: true })), close: async () => undefined }
}

junkContract('InMemoryCluster', Object.keys(CALLS), () => openMemory((cluster) => cluster))
junkContract('KvClient', STORE, () => openMemory((cluster) => new KvClient(cluster)))
junkContract('AspenNode', Object.keys(CALLS), () => openNode(async (_nodes, node) => node))
junkContract('connectHttp', Object.keys(CALLS), () => openNode((nodes, node) => nodes.http(node)))
junkContract('connectLink', STORE, () => openNode(async (nodes, node) => nodes.link(node)))

describe('AspenRouter: junk', () => {
  for (const [method, shapes] of Object.entries(CALLS)) {
    test(`${method}: takes or refuses whatever it is given, and goes on`, async () => {
      const samples = fc.sample(fc.tuple(fc.constantFrom(...shapes), spoilings), { numRuns: RUNS / 3 })
      await simulate({ seed: 1 }, async (router) => {
        const client = router.client()
        const node = router.node(1)
        for (const [make, wrong] of samples) {
          await call(node, method, spoil(make(), wrong))
          if (STORE.includes(method)) await call(client, method, spoil(make(), wrong))
        }
        await works(client)
      })
    })
  }
})

describe('constructors: junk', () => {
  const makers: Readonly<Record<string, readonly [make: (args: unknown[]) => void, args: () => unknown[]]>> = {
    connectLink: [
      (args) => connectLink(...(args as [never])).close(),
      () => [{ endpoints: [{ endpointId: ENDPOINT_ID, address: 'localhost:1' }], cookie: 'c', timeoutMs: 5 }],
    ],
    connectHttp: [
      (args) => connectHttp(...(args as [never])).close(),
      () => [['http://localhost:1'], { token: 't', timeoutMs: 5, connectionsPerNode: 3 }],
    ],
    InMemoryCluster: [
      (args) => new InMemoryCluster(...(args as [never])),
      () => [{ nodeId: 2, initialized: true, addresses: ['localhost:1'] }],
    ],
  }
  for (const [name, [make, args]] of Object.entries(makers)) {
    test(`${name}: takes or refuses whatever it is told`, () => {
      const property = fc.property(spoilings, (wrong) => {
        try {
          make(spoil(args(), wrong))
        } catch (error) {
          assert.ok(error instanceof AspenError, `it threw ${String(error)}`)
        }
      })
      fc.assert(property, { numRuns: RUNS })
    })
  }
})
