/** What others can do to a node again and again: it says so once, with where it came from and what to do, and counts the rest. */
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { parseAddress } from '../../src/api/index.ts'
import { deriveCookieKey, dialHandshake } from '../../src/net/link/handshake.ts'
import { HandshakeStream } from '../../src/net/link/handshake-stream.ts'
import { DirectTransport, generateIdentity, RAFT_PROTOCOL } from '../../src/net/index.ts'
import { Prng } from '../../src/lib/index.ts'
import { LogThrottle, noMetrics, silentLogger } from '../../src/ports/index.ts'
import type { Clock, Transport } from '../../src/ports/index.ts'
import { encodeHello, encodeRefusal, LINK_VERSIONS } from '../../src/wire/index.ts'
import { FAST, findDeadAddress } from '../contracts/transport-direct-world.ts'
import { exchange, openTcp, openTls } from '../contracts/transport-raw-peer.ts'
import { volume } from '../volume.ts'
import { eventually } from './nodes.ts'

const TIMES = volume(200, 30)
const STRANGE = generateIdentity()
const OWN = generateIdentity()
let cookieKeys: { readonly right: Uint8Array; readonly wrong: Uint8Array }

interface Line {
  readonly level: string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** A transport whose lines and counts can be read; its throttle's time stands still until it is told. */
class Watched {
  readonly lines: Line[] = []
  readonly counts = new Map<string, number>()
  readonly transport: DirectTransport
  readonly #throttle: LogThrottle
  #now = 0
  #timer: (() => void) | null = null

  constructor(handshakeTimeoutMs = 10_000) {
    const counter = (name: string, labels: object = {}): { add(amount?: number): void } => ({
      add: (amount = 1) => {
        const key = [name, ...Object.values(labels)].join(' ')
        this.counts.set(key, (this.counts.get(key) ?? 0) + amount)
      },
    })
    const clock: Clock = {
      now: () => this.#now,
      setTimer: (_delayMs, run) => {
        this.#timer = run
        return { cancel: () => (this.#timer = null) }
      },
      defer: (run) => run(),
    }
    const metrics = { ...noMetrics, counter }
    const logger = { log: (level: string, message: string, facts = {}): void => void this.lines.push({ level, message, facts }) }
    this.#throttle = new LogThrottle(logger, metrics, clock)
    this.transport = new DirectTransport({
      ...FAST,
      // What fails is tried again as fast as it can be.
      backoff: { minMs: 1, maxMs: 1 },
      handshakeTimeoutMs,
      identity: OWN,
      cookie: 'cookie',
      host: '127.0.0.1',
      port: 0,
      logger: this.#throttle,
      metrics,
      random: new Prng(1),
      resolve: (host) =>
        host === 'nowhere.test'
          ? Promise.reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }))
          : Promise.resolve([host]),
    })
  }

  async start(): Promise<void> {
    await this.transport.start({ nodeId: 1, clusterId: 'ours', addresses: [], languageVersion: 1 })
  }

  async stop(): Promise<void> {
    await this.transport.close()
    this.#throttle.close()
  }

  warnings(): Line[] {
    return this.lines.filter(({ level }) => level === 'warn' || level === 'error')
  }

  count(code: string): number {
    return (
      (this.counts.get(`aspen_link_failures_total ${code}`) ?? 0) +
      (this.counts.get(`aspen_link_rejected_connections_total ${code}`) ?? 0)
    )
  }

  aMinuteLater(): void {
    this.#now += 60_000
    const run = this.#timer
    this.#timer = null
    run?.()
  }
}

/** What happens once, by code. */
interface Cause {
  readonly code: string
  /** Once, from outside. */
  readonly once?: (to: Transport) => Promise<void>
  /** Or what is dialled, again and again. */
  readonly dial?: () => Promise<{ readonly address: string; close?(): unknown }>
  readonly advice: RegExp
}

async function ends(socket: {
  once(event: 'close', run: () => void): unknown
  closed: boolean
  resume(): unknown
}): Promise<void> {
  socket.resume()
  if (socket.closed) return
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('close', resolve)
  await promise
}

async function says(to: Transport, bytes: Uint8Array | string, identity = STRANGE): Promise<void> {
  const { socket } = await openTls(to, identity)
  socket.end(bytes)
  await ends(socket)
}

const helloOf = (from: string, to: string, versions = LINK_VERSIONS): Uint8Array =>
  encodeHello({
    from,
    to,
    versions,
    features: 0,
    instance: '00'.repeat(16),
    nonce: new Uint8Array(32),
    more: new Uint8Array(0),
  })

async function proves(to: Transport, cookieKey: Uint8Array, clusterId: string | null): Promise<void> {
  const { socket } = await openTls(to, STRANGE)
  const self = {
    endpointId: STRANGE.endpointId,
    instance: '00'.repeat(16),
    protocol: RAFT_PROTOCOL,
    cookieKey,
    claims: () => ({ nodeId: 9, clusterId, addresses: [], languageVersion: 1 }),
  }
  await dialHandshake(new HandshakeStream(socket), self, to.endpointId, () => undefined).catch(() => undefined)
  socket.destroy()
}

/** Another node that is dialled, and what it takes to end it. */
async function another(options: object, claims: object = {}): Promise<{ readonly address: string; close(): unknown }> {
  const transport = new DirectTransport({
    ...FAST,
    cookie: 'cookie',
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    metrics: noMetrics,
    random: new Prng(2),
    identity: STRANGE,
    ...options,
  })
  await transport.start({ nodeId: 2, clusterId: 'ours', addresses: [], languageVersion: 1, ...claims })
  return { address: transport.addresses()[0] as string, close: () => transport.close() }
}

const CAUSES: readonly Cause[] = [
  {
    code: 'COOKIE_MISMATCH',
    once: (to) => proves(to, cookieKeys.wrong, 'ours'),
    advice: /start both nodes with the same cookie/,
  },
  { code: 'CLUSTER_MISMATCH', once: (to) => proves(to, cookieKeys.right, 'theirs'), advice: /forget the address/ },
  {
    code: 'VERSION_MISMATCH',
    once: (to) => says(to, helloOf(STRANGE.endpointId, to.endpointId, { min: 90, max: 91 })),
    advice: /same release/,
  },
  { code: 'KEY_MISMATCH', once: (to) => says(to, helloOf('ab'.repeat(32), to.endpointId)), advice: /check the address/ },
  { code: 'SELF', once: (to) => says(to, helloOf(to.endpointId, to.endpointId), OWN), advice: /identity file was copied/ },
  { code: 'MALFORMED', once: (to) => says(to, 'no handshake'), advice: /same release of aspen/ },
  { code: 'OVERLOADED', once: (to) => says(to, encodeRefusal({ code: 'OVERLOADED', detail: '' })), advice: /look for who/ },
  {
    code: 'TLS_FAILED',
    once: async (to) => {
      const socket = await openTcp(to)
      socket.write('GET / HTTP/1.1\r\n\r\n')
      await ends(socket)
    },
    advice: /correct the port/,
  },
  {
    code: 'NO_PROTOCOL',
    once: async (to) => ends((await openTls(to, STRANGE, { ALPNProtocols: undefined })).socket),
    advice: /same release/,
  },
  {
    code: 'ABORTED',
    once: async (to) => {
      const { socket } = await openTls(to, STRANGE)
      await exchange(socket, helloOf(STRANGE.endpointId, to.endpointId), 1)
      socket.destroy()
      await ends(socket)
    },
    advice: /closed the connection/,
  },
  { code: 'COOKIE_MISMATCH', dial: () => another({ cookie: 'another' }), advice: /start both nodes with the same cookie/ },
  { code: 'CLUSTER_MISMATCH', dial: () => another({}, { clusterId: 'theirs' }), advice: /forget the address/ },
  { code: 'KEY_MISMATCH', dial: () => another({ identity: generateIdentity() }), advice: /check the address/ },
  { code: 'VERSION_MISMATCH', dial: () => another({ versions: { min: 90, max: 91 } }), advice: /same release/ },
  { code: 'ECONNREFUSED', dial: async () => ({ address: await findDeadAddress() }), advice: /nothing listens at/ },
  { code: 'ENOTFOUND', dial: async () => ({ address: 'nowhere.test:7000' }), advice: /nowhere\.test/ },
]

describe('whatever a peer, a client or a probe does again and again is said once', () => {
  before(async () => {
    const [right, wrong] = await Promise.all([deriveCookieKey('cookie', 2), deriveCookieKey('guessed', 2)])
    cookieKeys = { right, wrong }
  })

  for (const { code, once: happens, dial, advice } of CAUSES) {
    test(`${code}, ${dial === undefined ? 'from outside' : 'dialled'}: one line in a minute for ${TIMES} times, and each is counted`, async (t) => {
      const node = new Watched()
      t.after(() => node.stop())
      await node.start()
      if (happens !== undefined) for (let i = 0; i < TIMES; i++) await happens(node.transport)
      else if (dial !== undefined) {
        const target = await dial()
        t.after(() => target.close?.())
        node.transport.connect({ endpointId: STRANGE.endpointId, addresses: [target.address], relay: null })
      }
      await eventually(`${TIMES} of ${code}, not ${[...node.counts].join('; ')}`, () => node.count(code) >= TIMES)
      const said = node.warnings()
      assert.equal(said.length, 1, JSON.stringify(said))
      const [{ facts }] = said as [Line]
      assert.match(String(facts.reason), new RegExp(`^${code}: |^nothing|^getaddrinfo ${code}`))
      assert.match(String(facts.reason), advice)
      const remote = String(facts.remote)
      assert.ok(parseAddress(remote) !== undefined, `where it came from: ${remote}`)
      node.transport.disconnect(STRANGE.endpointId)
      const counted = node.counts.get(`aspen_log_lines_counted_total ${code}`) ?? 0
      assert.equal(counted, node.count(code) - 1)
      node.aMinuteLater()
      const [, summary, ...more] = node.warnings()
      assert.match(summary?.message ?? '', new RegExp(`: ${counted} more in the last minute$`))
      assert.deepEqual(more, [])
    })
  }

  test('a source is one however many ports and keys it has', async (t) => {
    const node = new Watched()
    t.after(() => node.stop())
    await node.start()
    for (let i = 0; i < 20; i++) await says(node.transport, 'no handshake', generateIdentity())
    await eventually('20 of MALFORMED', () => node.count('MALFORMED') === 20)
    assert.equal(node.warnings().length, 1)
    await says(node.transport, encodeRefusal({ code: 'OVERLOADED', detail: '' }))
    await eventually('another cause', () => node.count('OVERLOADED') === 1)
    assert.equal(node.warnings().length, 2, 'another cause is news')
  })

  test('who says nothing is named when his time is up', async (t) => {
    const node = new Watched(20)
    t.after(() => node.stop())
    await node.start()
    const silent = await openTcp(node.transport)
    await ends(silent)
    assert.equal(node.count('TIMEOUT'), 1)
    assert.match(String(node.warnings()[0]?.facts.reason), /^TIMEOUT: it did not say who it is in time/)
  })
})
