/** Real nodes that keep everything in memory: their replicas are opened again in the living process, under load. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { connectLink } from '../../src/client/index.ts'
import type { AspenLinkClient } from '../../src/client/index.ts'
import { completeConfig } from '../../src/cluster/index.ts'
import { openHome, openRealNode } from '../../src/cluster/real-node.ts'
import { settled } from '../../src/cluster/settled.ts'
import type { NodeServer } from '../../src/node/index.ts'
import { noMetrics, silentLogger } from '../../src/ports/index.ts'
import { Ballot } from '../node/ballot.ts'
import { eventually, testNodes, text } from './nodes.ts'

const RESTARTS = 20
const WRITERS = 4
const COOKIE = 'test-cookie'
const TIMINGS = { heartbeatIntervalMs: 50, electionTimeoutMinMs: 250, electionTimeoutMaxMs: 500 }

interface Watched {
  readonly server: NodeServer
  readonly ballot: Ballot
}

async function startInMemory(t: TestContext, nodeId: number, dataDir: string): Promise<Watched> {
  const config = completeConfig({ nodeId, dataDir, storageBackend: 'InMemory', cookie: COOKIE, ractorPort: 0, ...TIMINGS })
  const home = openHome(config)
  const ballot = new Ballot(`node ${nodeId}`)
  const listeners = { logger: silentLogger, metrics: noMetrics, onFault: ({ error }: { error: Error }) => assert.fail(error) }
  const server = await openRealNode(
    config,
    { ...home, openStores: ballot.watch((language) => home.openStores(language)) },
    listeners,
  )
  await server.start()
  t.after(async () => {
    await settled((done) => server.stop(done))
    home.release()
  })
  return { server, ballot }
}

function endpointOf({ service }: NodeServer): { endpointId: string; address: string } {
  const [address] = service.status().addresses
  assert.ok(address !== undefined)
  return { endpointId: service.endpointId, address }
}

async function form(servers: readonly NodeServer[]): Promise<void> {
  for (const one of servers) {
    for (const other of servers) {
      if (other === one) continue
      const { endpointId, address } = endpointOf(other)
      await one.service.addPeer({ nodeId: other.service.nodeId, endpointId, addresses: [address] })
    }
  }
  const [first] = servers as readonly [NodeServer]
  await first.service.init([1])
  for (const { service } of servers.slice(1)) await first.service.addLearner(service.nodeId)
  await first.service.changeMembership({ members: servers.map(({ service }) => service.nodeId) })
}

/** Writes that never pause, and what was acknowledged of them. */
class Load {
  readonly acknowledged: string[] = []
  readonly #client: AspenLinkClient
  readonly #writers: readonly Promise<void>[]
  #isOver = false

  constructor(client: AspenLinkClient) {
    this.#client = client
    this.#writers = Array.from({ length: WRITERS }, (_, i) => this.#write(`writer-${i}`))
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#writers)
  }

  async #write(writer: string): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const key = `${writer}.${i}`
      // What fails may have taken effect or not: it promises nothing.
      const isTaken = await this.#client.write({ Set: { key, value: key } }).then(
        () => true,
        () => false,
      )
      if (isTaken) this.acknowledged.push(key)
    }
  }
}

test('NodeServer: replicas in memory restart twenty times under load; nothing acknowledged is lost, and nobody votes twice', async (t) => {
  const nodes = testNodes(t)
  const watched = await Promise.all([1, 2, 3].map((id) => startInMemory(t, id, nodes.directory(id))))
  const servers = watched.map(({ server }) => server)
  await form(servers)
  const client = connectLink({ endpoints: servers.map(endpointOf), cookie: COOKIE })
  t.after(() => client.close())

  const load = new Load(client)
  for (let restart = 0; restart < RESTARTS; restart++) {
    const before = load.acknowledged.length
    await eventually('writes are acknowledged', () => load.acknowledged.length > before + WRITERS)
    const leader = servers.find(({ service }) => service.status().role === 'leader') ?? servers[0]
    const victim = restart % 2 === 0 ? leader : servers.find((one) => one !== leader)
    await settled((done) => (victim as NodeServer).restartActor('raft', done))
  }
  await load.end()

  for (const key of load.acknowledged) assert.equal(text((await client.read(key))?.value), key)
  assert.equal(
    watched.reduce((lives, { ballot }) => lives + ballot.lives, 0),
    servers.length + RESTARTS,
  )
  await eventually('all have everything', () => new Set(servers.map(({ service }) => service.status().appliedIndex)).size === 1)
})
