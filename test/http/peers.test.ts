/** The peer book of a node, over HTTP and by the client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { ClusterTicket, PeerAdmin, PeerChoice, PeersReport } from '../../src/api/index.ts'
import { connectHttp } from '../../src/client/index.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

const KEY = 'ab'.repeat(32)

const REPORT: PeersReport = {
  peers: [
    {
      endpointId: KEY,
      nodeId: 2,
      standing: 'named',
      state: 'waiting',
      path: null,
      lastError: 'ECONNREFUSED: no',
      addresses: ['h:1'],
      relay: 'https://relay/',
      sources: [{ source: 'add-peer', addresses: ['h:1'], ageMs: 5 }],
    },
  ],
  sources: [{ source: 'gossip', detail: 'switched off: enable_gossip', peers: 0, lastError: null }],
}

class Book implements PeerAdmin {
  readonly removed: PeerChoice[] = []

  async peers(): Promise<PeersReport> {
    return REPORT
  }

  async clusterTicket(): Promise<ClusterTicket> {
    return { ticket: 'aspenaebc', topicId: KEY, clusterId: null, endpointId: KEY }
  }

  async removePeer(peer: PeerChoice): Promise<void> {
    this.removed.push(peer)
    if ('nodeId' in peer && peer.nodeId === 9) throw new AspenError('NODE_UNKNOWN', 'no such peer', { node_id: 9 })
  }
}

async function withBook(): Promise<Fixture & { readonly book: Book }> {
  const book = new Book()
  return { ...(await createFixture({ initialized: true }, { peers: book })), book }
}

test('GET /cluster-ticket: says the ticket and what it is for, to the letter; the client reads it', async (t) => {
  const { get, server } = await withBook()
  const { status, text } = await get('/cluster-ticket')
  assert.deepEqual([status, text], [200, `{"ticket":"aspenaebc","topic_id":"${KEY}","cluster_id":null,"endpoint_id":"${KEY}"}`])
  const client = connectHttp(await server.listen())
  t.after(async () => {
    client.close()
    await server.close(0)
  })
  assert.deepEqual(await client.clusterTicket(), { ticket: 'aspenaebc', topicId: KEY, clusterId: null, endpointId: KEY })
})

test('GET /peers: says whom a node knows, and who told it', async () => {
  const { get } = await withBook()
  const { status, body } = await get('/peers')
  assert.equal(status, 200)
  assert.deepEqual(body, {
    peers: [
      {
        endpoint_id: KEY,
        node_id: 2,
        standing: 'named',
        state: 'waiting',
        path: null,
        last_error: 'ECONNREFUSED: no',
        addresses: ['h:1'],
        relay: 'https://relay/',
        sources: [{ source: 'add-peer', addresses: ['h:1'], age_ms: 5 }],
      },
    ],
    sources: [{ source: 'gossip', detail: 'switched off: enable_gossip', peers: 0, last_error: null }],
  })
})

test('POST /remove-peer: takes a key or an id, and not both', async () => {
  const { post, book } = await withBook()
  assert.deepEqual((await post('/remove-peer', { endpoint_id: KEY })).body, { success: true })
  assert.deepEqual((await post('/remove-peer', { node_id: 3 })).body, { success: true })
  assert.deepEqual(book.removed, [{ endpointId: KEY }, { nodeId: 3 }])
  assert.equal((await post('/remove-peer', { node_id: 9 })).status, 404)
  for (const wrong of [{}, { node_id: 3, endpoint_id: KEY }, { endpoint_id: 'x' }, { node_id: 0 }, { id: 3 }]) {
    assert.equal((await post('/remove-peer', wrong)).status, 400, JSON.stringify(wrong))
  }
  assert.equal(book.removed.length, 3)
})

test('GET /peers, POST /remove-peer: 501 where there is no peer book', async () => {
  const { get, post } = await createFixture()
  assert.equal((await get('/peers')).status, 501)
  assert.equal((await post('/remove-peer', { node_id: 3 })).status, 501)
})

test('AspenHttpClient: peers, removePeer', async (t) => {
  const { server, book } = await withBook()
  const url = await server.listen()
  const client = connectHttp(url)
  t.after(async () => {
    client.close()
    await server.close(0)
  })
  assert.deepEqual(await client.peers(), REPORT)
  await client.removePeer({ nodeId: 3 })
  await client.removePeer({ endpointId: KEY })
  assert.deepEqual(book.removed, [{ nodeId: 3 }, { endpointId: KEY }])
  await assert.rejects(client.removePeer({ nodeId: 9 }), { code: 'NODE_UNKNOWN' })
  await assert.rejects(client.removePeer({} as PeerChoice), { code: 'INVALID_REQUEST' })
})
