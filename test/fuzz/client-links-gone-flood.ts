/** A node that serves clients, and proven clients that vanish, flood, fall silent, half-close or say damaged things: nothing of them may stay. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { concatBytes, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { generateIdentity } from '../../src/net/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { CLIENT_PROTOCOL, FrameQueue } from '../../src/wire/index.ts'
import { startLinkNode } from '../client/link-world.ts'
import type { LinkNode } from '../client/link-world.ts'
import { eventually } from '../contracts/transport-observer.ts'
import { openLink, openTcp, openTls } from '../contracts/transport-raw-peer.ts'
import { bytesOf, randomRequest } from './client-messages.ts'
import { flood, Tally } from './flood.ts'
import { randomBytes } from './mutate-bytes.ts'

const AT_A_TIME = 50
/** A client is given up after more than three of these in silence. */
const KEEP_ALIVE_MS = 20
const IDENTITY = generateIdentity()
const PING = Uint8Array.fromHex('12000000')

function framesOf(fill: (queue: FrameQueue) => void): Uint8Array {
  const queue = new FrameQueue(64 * 1024 * 1024, (size) => new Uint8Array(size))
  fill(queue)
  const parts: Uint8Array[] = []
  for (let part = queue.take(1 << 20); part !== undefined; part = queue.take(1 << 20)) parts.push(part.slice())
  return concatBytes(parts)
}

function requests(random: Random, count: number): Uint8Array {
  return framesOf((queue) => {
    for (let id = 1; id <= count; id++) queue.push('normal', [bytesOf(randomRequest(random, id))])
  })
}

const GOODBYE = framesOf((queue) => queue.finish(new Uint8Array(0)))

interface Client {
  readonly destroyed: boolean
  destroy(): unknown
}

/** What a client does that has proven itself. Those that stay connected stay for as long as the node lets them, and read nothing. */
const PROVEN: Readonly<Record<string, (socket: TLSSocket, random: Random) => void>> = {
  vanishes: (socket) => void socket.destroy(),
  'asks and vanishes': (socket, random) => void socket.write(requests(random, 50), () => socket.destroy()),
  'floods and reads nothing': (socket, random) => void socket.pause().write(requests(random, 300)),
  'falls silent': (socket) => void socket.pause(),
  'asks and half-closes': (socket, random) => void socket.pause().end(requests(random, 20)),
  'asks, says goodbye, and stays': (socket, random) => void socket.pause().write(concatBytes([requests(random, 50), GOODBYE])),
  'says damaged things': (socket, random) => void socket.write(concatBytes([Uint8Array.of(0xff), randomBytes(random, 2_000)])),
  'ends in the middle of a message': (socket, random) => {
    const bytes = requests(random, 5)
    // Byte by byte: a record each.
    for (const byte of bytes.subarray(0, randomBetween(random, 1, 40))) socket.write(Uint8Array.of(byte))
    socket.end()
  },
  'pings and reads nothing': (socket) => {
    socket.pause()
    for (let i = 0; i < 50; i++) socket.write(concatBytes(Array.from({ length: 20 }, () => PING)))
  },
}

const UNPROVEN: Readonly<Record<string, (node: LinkNode, random: Random) => Promise<Client>>> = {
  'opens a connection and says nothing': async (node) => (await openTcp(node.transport)).destroy(),
  'vanishes in the handshake': async (node, random) => {
    const { socket } = await openTls(node.transport, IDENTITY, { ALPNProtocols: [CLIENT_PROTOCOL] })
    socket.write(randomBytes(random, 60), () => socket.destroy())
    return socket
  },
}

const KINDS = [...Object.keys(PROVEN), ...Object.keys(UNPROVEN)]

async function misbehave(node: LinkNode, random: Random, kind: string): Promise<Client> {
  const unproven = UNPROVEN[kind]
  if (unproven !== undefined) return await unproven(node, random)
  const { socket } = await openLink(node.transport, 0, IDENTITY, CLIENT_PROTOCOL)
  PROVEN[kind]?.(socket, random)
  return socket
}

function resources(kind: string): number {
  return process.getActiveResourcesInfo().filter((each) => each === kind).length
}

async function round(random: Random, count: number, tally: Tally): Promise<void> {
  const options = { handshakeTimeoutMs: 2_000, keepAliveMs: KEEP_ALIVE_MS }
  const node = await startLinkNode(new InMemoryCluster({ initialized: true }), options)
  const [sockets, timers] = [resources('TCPSocketWrap'), resources('Timeout')]
  try {
    for (let done = 0; done < count; done += AT_A_TIME) {
      const kinds = Array.from({ length: Math.min(AT_A_TIME, count - done) }, (_, i) => KINDS[(done + i) % KINDS.length] ?? '')
      const clients = await Promise.all(kinds.map((kind) => misbehave(node, random, kind)))
      kinds.forEach((kind) => tally.add(kind))
      const open = (): number => clients.filter(({ destroyed }) => !destroyed).length
      await eventually(() => node.watched.links.size === 0, 'the end of all links')
      // Before those let go who stay.
      await eventually(() => resources('TCPSocketWrap') <= sockets + open(), "the end of the node's connections")
      clients.forEach((client) => client.destroy())
    }
    await eventually(() => resources('TCPSocketWrap') <= sockets, 'the end of all connections')
    // One more may be the last look at links that are gone.
    await eventually(() => resources('Timeout') <= timers + 1, 'the end of all timers')
    assert.deepEqual(node.peers.events, [])
  } finally {
    await node.close()
  }
}

export async function floodVanishing(context: TestContext, clients: number): Promise<void> {
  const tally = new Tally()
  await flood(context, { inputs: clients, perRound: 500, round: (random, count) => round(random, count, tally) })
  context.diagnostic(String(tally))
}
