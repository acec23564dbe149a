import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { createHttpServer, PrometheusMetrics } from '../../src/faces/http/index.ts'
import type { HttpServer } from '../../src/faces/http/index.ts'
import { silentLogger } from '../../src/ports/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { formCluster, FormationError, waitForNodes } from './form-cluster.ts'
import type { Formation, Member } from './form-cluster.ts'

let cluster: InMemoryCluster
let server: HttpServer
let members: readonly Member[]

const formation = (timeoutMs = 30_000): Formation => ({ timeoutMs, signal: new AbortController().signal })

async function serve(given: InMemoryCluster): Promise<void> {
  cluster = given
  server = createHttpServer({
    store: cluster,
    controller: cluster,
    status: cluster,
    metrics: new PrometheusMetrics(),
    logger: silentLogger,
    nodeId: 1,
    host: '127.0.0.1',
    port: 0,
  })
  const url = await server.listen()
  // Every node answers for the cluster, so one answers for all.
  members = [1, 2, 3].map((nodeId) => ({ nodeId, url }))
}

const peer = (nodeId: number): Parameters<InMemoryCluster['addPeer']>[0] => ({
  nodeId,
  endpointId: `${nodeId}`.repeat(64),
  addresses: ['127.0.0.1:1'],
})

test('formCluster: founds a cluster and makes every node a voter', async () => {
  await serve(new InMemoryCluster())
  try {
    await cluster.addPeer(peer(2))
    await cluster.addPeer(peer(3))
    assert.equal(await formCluster(members, formation()), 1)
    assert.deepEqual((await cluster.clusterState()).members, [1, 2, 3])
  } finally {
    await server.close(0)
  }
})

test('formCluster: waits for a node whose link comes up late', async () => {
  await serve(new InMemoryCluster())
  try {
    await cluster.addPeer(peer(2))
    const formed = formCluster(members, formation())
    await cluster.addPeer(peer(3))
    assert.equal(await formed, 1)
  } finally {
    await server.close(0)
  }
})

test('formCluster: goes on from where an earlier run ended', async () => {
  await serve(new InMemoryCluster({ initialized: true }))
  try {
    await cluster.addPeer(peer(2))
    await cluster.addPeer(peer(3))
    await cluster.addPeer(peer(9))
    await cluster.addLearner(2)
    await cluster.addLearner(9)
    await cluster.changeMembership({ members: [1, 9] })
    await formCluster(members, formation())
    // A voter of its own making stays.
    assert.deepEqual((await cluster.clusterState()).members, [1, 2, 3, 9])
  } finally {
    await server.close(0)
  }
})

test('formCluster: gives up on a refusal that will not pass, and when time is up', async () => {
  await serve(new InMemoryCluster())
  try {
    cluster.refuseWith(new AspenError('POISONED', 'the disk failed'))
    await assert.rejects(
      formCluster(members, formation()),
      (error) => error instanceof FormationError && /POISONED/.test(error.message),
    )
    cluster.refuseWith(null)
    await assert.rejects(formCluster(members, formation(0)), /waited 0 ms for all nodes to be voters/)
  } finally {
    await server.close(0)
  }
})

test('waitForNodes: returns once all answer, and ends when it is told to', async () => {
  await serve(new InMemoryCluster())
  await waitForNodes(members, formation())
  await server.close(0)
  const stop = new AbortController()
  const waiting = waitForNodes(members, { timeoutMs: 30_000, signal: stop.signal })
  stop.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
})
