import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AspenHttpClient } from '../src/client/index.ts'
import { utf8Decode } from '../src/lib/index.ts'
import { forkPrng } from '../src/simulation/index.ts'
import { SimCluster } from './cluster.ts'
import { simulatedWorld } from './http-client.ts'
import { returnFaces, takeFaces } from './http-face.ts'
import { HttpNetwork, urlOf } from './http-network.ts'
import type { SimNode } from './sim-node.ts'
import { drawWeather } from './weather.ts'

const NODES = 3
const faces = await takeFaces(NODES)
after(() => returnFaces(faces))

interface World {
  readonly cluster: SimCluster
  readonly node: (id: number) => SimNode
  /** A client of these nodes, in this order. */
  readonly client: (...ids: readonly number[]) => AspenHttpClient
  /** Lets time pass until the promise has settled; gives its value, or its error, and how long it took in virtual milliseconds. */
  readonly outcome: (promise: Promise<unknown>) => Promise<{ value?: unknown; code?: string; ms: number }>
  /** Ends the process of a node, as HTTP sees it, too. */
  readonly crash: (id: number) => void
}

/** Three founders in the finest weather, and nobody who asks them anything. */
async function world(seed: number): Promise<World> {
  const weather = drawWeather(forkPrng(seed, 'weather'), 'performance', NODES)
  const cluster = new SimCluster({ seed, weather })
  const network = new HttpNetwork({ cluster, random: forkPrng(seed, 'http network'), faces })
  cluster.onCrash = (one) => network.crashed(one)
  const node = (id: number): SimNode => cluster.nodes[id - 1] as SimNode
  const { scheduler } = cluster
  for (const one of cluster.nodes) cluster.start(one)
  while (!cluster.found()) await cluster.pass(100)
  await cluster.pass(500)
  return {
    cluster,
    node,
    client: (...ids) =>
      new AspenHttpClient(
        ids.map((id) => urlOf(node(id))),
        {},
        simulatedWorld({ cluster, network, random: forkPrng(seed, 'http client') }),
      ),
    outcome: async (promise) => {
      const from = scheduler.now
      const settled: { value?: unknown; code?: string; ms: number }[] = []
      promise.then(
        (value) => settled.push({ value, ms: scheduler.now - from }),
        (error: { code: string }) => settled.push({ code: error.code, ms: scheduler.now - from }),
      )
      cluster.turns.ask()
      while (settled.length === 0) {
        assert.ok(scheduler.now < from + 20_000, 'it has not settled')
        await cluster.pass(1)
      }
      return settled[0] as { ms: number }
    },
    crash: (id) => cluster.crash(node(id), 'power-cut'),
  }
}

function followerOf({ nodes, leader }: SimCluster): number {
  return nodes.find((one) => one !== leader)?.id ?? assert.fail('there is no follower')
}

const SET = { Set: { key: 'k', value: 'v' } }

test('HttpNetwork: asks the HTTP handlers of the node that the URL names', async () => {
  const { client, cluster, outcome } = await world(1)
  const before = cluster.scheduler.executed
  const { value } = await outcome(client(2).write(SET))
  assert.ok(cluster.scheduler.executed > before + 10)
  const { logId } = value as { logId: { index: number; term: number } }
  cluster.checker.acknowledged(logId.index, logId.term)
  assert.equal(((await outcome(client(3).status())).value as { nodeId: number }).nodeId, 3)
  assert.equal((await outcome(client(3).leader())).value, cluster.leader?.id)
  const { value: read } = await outcome(client(3).read('k'))
  assert.equal(utf8Decode((read as { value: Uint8Array }).value), 'v')
  assert.equal((await outcome(client(1).read('nothing'))).value, undefined)
  assert.ok(((await outcome(client(1).triggerSnapshot())).value as { sizeBytes: number }).sizeBytes > 0)
})

test('HttpNetwork: a write that was answered survives the crash of the node that was asked', async () => {
  const { client, crash, outcome } = await world(2)
  const { value: written } = await outcome(client(1, 2, 3).write(SET, { revision: true }))
  crash(1)
  const { value } = await outcome(client(1, 2, 3).read('k'))
  assert.equal((value as { modRevision: number }).modRevision, (written as { revision: number }).revision)
})

test('HttpNetwork: a node that is down was not reached: another one is asked', async () => {
  const { client, cluster, crash, outcome } = await world(3)
  const down = followerOf(cluster)
  crash(down)
  const { value, ms } = await outcome(client(down, 1, 2, 3).write(SET))
  assert.ok(value !== undefined && ms < 100, `${ms} ms`)
  assert.equal((await outcome(client(down).write(SET, { timeoutMs: 300 }))).code, 'NO_LEADER')
})

/** Crashes the asked node as soon as its leader has the write in its log, before the client can have heard of it. */
async function crashWhileWriting(seed: number, origin?: { client: string; sequence: number }) {
  const made = await world(seed)
  const { client, cluster, crash, node } = made
  const asked = followerOf(cluster)
  const others = cluster.nodes.filter(({ id }) => id !== asked).map(({ id }) => id)
  const length = cluster.leader?.replica?.view.lastLog.index ?? 0
  const promise = made.outcome(client(asked, ...others).write(SET, origin === undefined ? {} : { origin }))
  const watch = (): void => {
    if ((cluster.leader?.replica?.view.lastLog.index ?? 0) === length) cluster.scheduler.after(0.125, watch)
    else crash(asked)
  }
  watch()
  const { value, code } = await promise
  // What is not committed yet, a read need not see.
  await cluster.pass(500)
  const { value: entry } = await made.outcome(client(...others).read('k'))
  assert.equal(node(asked).life, null)
  return { value, code, version: (entry as { version: number } | undefined)?.version }
}

test('HttpNetwork: nobody knows what became of a write whose node crashed, and it is not sent again', async () => {
  const { code, version } = await crashWhileWriting(4)
  assert.equal(code, 'OUTCOME_UNKNOWN')
  assert.equal(version, 1)
})

test('HttpNetwork: a write with an origin is sent again when its node crashed, and takes effect once', async () => {
  const { value, version } = await crashWhileWriting(4, { client: 'me', sequence: 1 })
  assert.ok(value !== undefined)
  assert.equal(version, 1)
})

test('HttpNetwork: a node that stands still is given up when the time of the request is over, in virtual time', async () => {
  const { client, cluster, node, outcome } = await world(5)
  cluster.pause(node(2))
  const { code, ms } = await outcome(client(2).write(SET, { timeoutMs: 700 }))
  assert.equal(code, 'OUTCOME_UNKNOWN')
  assert.ok(ms >= 950 && ms < 960, `${ms} ms`)
})

test('HttpNetwork: an answer that is on its way when its process ends does not arrive', async () => {
  for (const crashes of [false, true]) {
    const { client, cluster, crash } = await world(6)
    const asked = followerOf(cluster)
    const heard = client(asked)
      .status()
      .then(
        ({ nodeId }) => nodeId,
        ({ code }: { code: string }) => code,
      )
    do cluster.scheduler.step(cluster.scheduler.now + 1)
    while (!cluster.turns.due)
    // The handler answers, and no time passes.
    await cluster.turns.take()
    if (crashes) crash(asked)
    await cluster.pass(50)
    assert.equal(await heard, crashes ? 'DEADLINE_EXCEEDED' : asked)
  }
})

test('HttpNetwork: a fault of the HTTP handlers ends the run', async () => {
  const { client, cluster, node, outcome } = await world(7)
  const { server } = node(1)
  assert.ok(server !== null)
  server.serviceParts.transport.addresses = () => {
    throw new Error('a fault that was planted')
  }
  await assert.rejects(outcome(client(1).status()), /a fault that was planted/)
  assert.ok(cluster.turns.due)
})
