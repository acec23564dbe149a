/** Strangers at the port of the links: they hold a place for a moment, cost little, are counted, and keep nobody out. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { after, before, describe, test } from 'node:test'
import { generateIdentity, RAFT_PROTOCOL } from '../../src/net/index.ts'
import { dialHandshake } from '../../src/net/link/handshake.ts'
import { HandshakeStream } from '../../src/net/link/handshake-stream.ts'
import { createLinkContext } from '../../src/net/direct/tls-context.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { LOOPBACK } from '../../tools/cluster/node-plan.ts'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'
import { Crowd } from './load-crowd.ts'
import { eventually, metricValue, peakMiB, resetPeak, residentMiB, Witness } from './load-witness.ts'

const SETTLE_TIMEOUT_MS = 30_000
const PEAK_BOUND_MIB = 512
/** The first bytes of a TLS record that announces 512 more. */
const HALF_A_CLIENT_HELLO = Buffer.from('160301020001', 'hex')

let fleet: Fleet
let node: FleetNode

before(async () => {
  fleet = await Fleet.start(3)
  node = await fleet.leaderNode(SETTLE_TIMEOUT_MS)
})

after(() => fleet.stop())

async function metrics(): Promise<string> {
  return (await request('GET', `${node.url}/metrics`)).body as string
}

async function counted(...samples: readonly string[]): Promise<number> {
  const text = await metrics()
  return samples.reduce((sum, sample) => sum + metricValue(text, sample), 0)
}

/** Runs a flood beside a client that behaves. The node must go on leading, and no request may fail. */
async function flood(name: string, run: () => Promise<void>): Promise<void> {
  const pid = fleet.pid(node.id)
  resetPeak(pid)
  const elections = await counted('aspen_leader_changes_total')
  const witness = new Witness(node)
  witness.start()
  try {
    await run()
  } finally {
    const met = await witness.stop()
    const memory = `peak ${peakMiB(pid).toFixed(0)} MiB, then ${residentMiB(pid).toFixed(0)} MiB`
    const latency = `p50 ${met.p50Ms.toFixed(1)} ms, p99 ${met.p99Ms.toFixed(0)} ms`
    console.log(
      `${name}: ${memory}; ${met.requests} requests of a client that behaves: ${latency}, ${met.failures.length} failed`,
    )
    assert.deepEqual(met.failures, [])
  }
  assert.ok(peakMiB(pid) < PEAK_BOUND_MIB, `${name}: the node took ${peakMiB(pid).toFixed(0)} MiB`)
  assert.equal(await counted('aspen_leader_changes_total'), elections, 'the flood cost the node its leadership')
}

const rejected = (reason: string): string => `aspen_link_rejected_connections_total{reason="${reason}"}`

describe('a node under floods at the port of its links', { concurrency: false }, () => {
  test('3,000 connections that say nothing: a hundred wait, the oldest give way to newcomers, all are gone and counted', async () => {
    const before = await counted(rejected('OVERLOADED'), rejected('TIMEOUT'))
    await flood('3,000 silent connections', async () => {
      const crowd = new Crowd(node.plan.ractorPort)
      await crowd.open(3_000)
      await eventually('the node to close them all', 15_000, () => crowd.closed === 3_000)
    })
    assert.equal((await counted(rejected('OVERLOADED'), rejected('TIMEOUT'))) - before, 3_000)
  })

  test('a peer that restarts gets its link while strangers stop half-way through TLS, without end', async () => {
    const follower = fleet.nodes.find(({ id }) => id !== node.id) as FleetNode
    await flood('half handshakes while a peer restarts', async () => {
      const crowd = new Crowd(node.plan.ractorPort)
      let going = true
      const storm = (async (): Promise<void> => {
        while (going) {
          await crowd.open(50, (socket) => socket.write(HALF_A_CLIENT_HELLO))
          crowd.callers.splice(0, Math.max(0, crowd.callers.length - 500)).forEach(({ socket }) => socket.destroy())
        }
      })()
      try {
        await fleet.kill(follower.id)
        fleet.run(follower.id)
        const started = performance.now()
        await eventually('the restarted peer to be ready', SETTLE_TIMEOUT_MS, () => isReady(follower))
        console.log(`the peer is back ${(performance.now() - started).toFixed(0)} ms after its start`)
      } finally {
        going = false
        await storm
        crowd.leave()
      }
    })
    assert.ok((await counted(rejected('OVERLOADED'))) > 0)
  })

  test('bytes that are not TLS are cut and counted', async () => {
    const before = await counted(rejected('TLS_FAILED'))
    await flood('500 requests of HTTP', async () => {
      const crowd = new Crowd(node.plan.ractorPort)
      await crowd.open(500, (socket) => socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'))
      await eventually('the node to close them all', 15_000, () => crowd.closed === 500)
    })
    assert.ok((await counted(rejected('TLS_FAILED'))) > before)
  })

  test('a storm of wrong cookies: each is refused in words and counted, and none costs the node a scrypt', async () => {
    const failures = 'aspen_link_failures_total{code="COOKIE_MISMATCH"}'
    const before = await counted(failures)
    const info = (await request('GET', `${node.url}/node-info`)).body as { readonly endpoint_id: string }
    const words = new Map<string, number>()
    const started = performance.now()
    await flood('600 wrong cookies', async () => {
      const lane = async (): Promise<void> => {
        for (let i = 0; i < 30; i++) {
          const said = await dialWithWrongCookie(info.endpoint_id)
          words.set(said, (words.get(said) ?? 0) + 1)
        }
      }
      await Promise.all(Array.from({ length: 20 }, lane))
    })
    console.log(`600 wrong cookies in ${(performance.now() - started).toFixed(0)} ms`)
    assert.deepEqual([...words], [['refused by the peer: the cookies differ: start both nodes with the same cookie', 600]])
    assert.equal((await counted(failures)) - before, 600)
  })
})

async function isReady({ url }: FleetNode): Promise<boolean> {
  const health = await request('GET', `${url}/health`).catch(() => undefined)
  return (health?.body as { readonly ready?: boolean } | undefined)?.ready === true
}

async function openTls(): Promise<{ readonly socket: TLSSocket; readonly endpointId: string }> {
  const identity = generateIdentity()
  const socket = connectTls({
    host: LOOPBACK,
    port: node.plan.ractorPort,
    secureContext: createLinkContext(identity),
    ALPNProtocols: [RAFT_PROTOCOL],
    rejectUnauthorized: false,
  })
  await once(socket, 'secureConnect')
  return { socket, endpointId: identity.endpointId }
}

/** Goes all the way to the proof, with a key that is not the cookie's. Resolves with what the node says to it. */
async function dialWithWrongCookie(nodeKey: string): Promise<string> {
  const { socket, endpointId } = await openTls()
  const self = {
    endpointId,
    instance: '00'.repeat(16),
    protocol: RAFT_PROTOCOL,
    cookieKey: randomBytes(32),
    claims: () => ({ nodeId: 9, clusterId: null, addresses: [], languageVersion: 1 }),
  }
  try {
    await dialHandshake(new HandshakeStream(socket), self, nodeKey, () => undefined)
    return 'admitted'
  } catch (error) {
    return (error as Error).message
  } finally {
    socket.destroy()
  }
}
