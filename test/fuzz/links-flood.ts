/** A transport on real sockets: strangers who talk nonsense, and proven peers who do so after a while. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { chance, concatBytes, pick, Prng, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { DirectTransport, generateIdentity } from '../../src/net/index.ts'
import type { NodeIdentity } from '../../src/net/index.ts'
import { noMetrics, silentLogger } from '../../src/ports/index.ts'
import { RAFT_CHANNEL } from '../../src/ports/index.ts'
import type { ChannelHandler } from '../../src/ports/index.ts'
import { encodeClaims, FrameDecoder } from '../../src/wire/index.ts'
import { eventually } from '../contracts/transport-observer.ts'
import { FAST } from '../contracts/transport-direct-world.ts'
import { closed, openLink, openTcp, openTls } from '../contracts/transport-raw-peer.ts'
import { flood, Tally } from './flood.ts'
import { CLAIMS, handshakeRecords, validFrames } from './frames-flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

const SETS_PER_LINK = 40
const LINKS_AT_A_TIME = 4
const STRANGERS_PER_LINK = 2
/** Each of them is a key, and keys take time to make. */
const IDENTITIES = Array.from({ length: LINKS_AT_A_TIME + 1 }, () => generateIdentity())
/** The first bytes of TLS: a record of a handshake, and a client hello of some length in it. */
const TLS_HEAD = Uint8Array.fromHex('16030100c8010000c40303')

const SOUND_CLAIMS = text(encodeClaims(CLAIMS))

/** What arrived, by sender. */
class Inbox implements ChannelHandler {
  readonly messages = new Map<string, string[]>()
  opened(): void {}
  claimed(): void {}
  closed(): void {}
  refused(): void {}
  message(endpointId: string, bytes: Uint8Array): void {
    const list = this.messages.get(endpointId) ?? []
    this.messages.set(endpointId, list)
    list.push(text(bytes))
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** The messages in a stream, and how many of them come before a control frame that may end the link. */
function read(stream: Uint8Array): { readonly messages: string[]; readonly certain: number; readonly sound: boolean } {
  const messages: string[] = []
  let certain: number | undefined
  const decoder = new FrameDecoder({
    // What damage has sent to another channel is nobody's.
    message: (_lane, bytes) => void (bytes[0] === RAFT_CHANNEL.id && messages.push(text(bytes.subarray(1)))),
    control: (kind, bytes) => {
      if (kind === 'goodbye' || (kind === 'claims' && text(bytes) !== SOUND_CLAIMS)) certain ??= messages.length
    },
  })
  const sound = decoder.push(stream) === undefined && certain === undefined
  return { messages, certain: certain ?? messages.length, sound }
}

function onChannel(bytes: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.of(RAFT_CHANNEL.id), bytes])
}

async function stranger(random: Random, transport: DirectTransport, identity: NodeIdentity, tally: Tally): Promise<void> {
  if (chance(random, 0.5)) {
    const socket = await openTcp(transport)
    socket.resume()
    const bytes = chance(random, 0.5) ? randomBytes(random, 2000) : concatBytes([TLS_HEAD, randomBytes(random, 400)])
    socket.write(bytes)
    // Who stays and says no more is given up after a while.
    if (chance(random, 0.97)) socket.end()
    await closed(socket)
    return tally.add('strangers over TCP')
  }
  const { socket } = await openTls(transport, identity)
  const records = handshakeRecords(identity.endpointId, transport.endpointId)
  const bytes = concatBytes(Array.from({ length: randomBetween(random, 1, 3) }, () => pick(random, records)))
  socket.resume()
  socket.write(chance(random, 0.1) ? randomBytes(random, 500) : mutateBytes(random, bytes, TLS_HEAD))
  socket.end()
  await closed(socket)
  tally.add('strangers over TLS')
}

/** Streams of frames over one link, the last of them damaged, in pieces; then the end of the connection. */
async function provenPeer(
  random: Random,
  to: { transport: DirectTransport; inbox: Inbox },
  identity: NodeIdentity,
  sets: number,
  tally: Tally,
): Promise<void> {
  const { transport, inbox } = to
  inbox.messages.delete(identity.endpointId)
  const { socket } = await openLink(transport, 2, identity)
  const streams = Array.from({ length: sets }, () =>
    validFrames(random, [onChannel(randomBytes(random, 300)), onChannel(randomBytes(random, 20))]),
  )
  const last = streams.at(-1) as Uint8Array
  if (chance(random, 0.8)) streams[sets - 1] = chance(random, 0.2) ? randomBytes(random, 300) : mutateBytes(random, last, last)
  const bytes = concatBytes(streams)
  for (let at = 0; at < bytes.length;) {
    const end = at + randomBetween(random, 1, 40_000)
    socket.write(bytes.subarray(at, end))
    at = end
  }
  socket.end()
  await closed(socket)
  const wanted = read(bytes)
  await eventually(() => transport.peers().every((peer) => peer.endpointId !== identity.endpointId), 'the end of the link')
  const arrived = inbox.messages.get(identity.endpointId) ?? []
  tally.add(wanted.sound ? 'links that stayed sound' : 'links that broke')
  assert.ok(arrived.length >= wanted.certain, 'messages that came before the damage are missing')
  assert.deepEqual(arrived, wanted.messages.slice(0, arrived.length), 'what arrived was not sent')
}

async function assertLinks(transport: DirectTransport, inbox: Inbox): Promise<void> {
  const identity = IDENTITIES[LINKS_AT_A_TIME] as NodeIdentity
  inbox.messages.delete(identity.endpointId)
  const { socket } = await openLink(transport, 7, identity)
  socket.write(Uint8Array.of(0, 0, 0, 4, RAFT_CHANNEL.id, 1, 2, 3))
  await eventually(() => inbox.messages.has(identity.endpointId), 'the message of a good peer')
  assert.deepEqual(inbox.messages.get(identity.endpointId), [text(Uint8Array.of(1, 2, 3))])
  assert.equal(transport.peers().length, 1)
  socket.destroy()
}

async function round(random: Random, count: number, tally: Tally): Promise<void> {
  const inbox = new Inbox()
  const transport = new DirectTransport({
    ...FAST,
    // Not those who are slow are sought here: nobody is to be given up for want of a processor.
    keepAliveMs: 5_000,
    handshakeTimeoutMs: 1_500,
    identity: generateIdentity(),
    cookie: 'cookie',
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger,
    metrics: noMetrics,
    random: new Prng(1),
  })
  transport.attach(RAFT_CHANNEL, inbox)
  await transport.start({ nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 })
  let left = count
  const failures: unknown[] = []
  const work = async (own: Random, identity: NodeIdentity): Promise<void> => {
    try {
      while (left > 0) {
        const sets = Math.min(left, SETS_PER_LINK)
        left -= sets
        await provenPeer(own, { transport, inbox }, identity, sets, tally)
        for (let i = 0; i < STRANGERS_PER_LINK; i++) await stranger(own, transport, identity, tally)
      }
    } catch (error) {
      failures.push(error)
      left = 0
    }
  }
  try {
    await Promise.all(IDENTITIES.slice(0, LINKS_AT_A_TIME).map((identity) => work(new Prng(random.nextUint32()), identity)))
    assert.deepEqual(failures, [])
    await assertLinks(transport, inbox)
  } finally {
    await transport.close()
  }
}

export async function floodLinks(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, { inputs, perRound: 2_000, round: (random, count) => round(random, count, tally) })
  context.diagnostic(String(tally))
  for (const what of ['strangers over TCP', 'strangers over TLS', 'links that stayed sound', 'links that broke']) {
    assert.ok(tally.count(what) > inputs / (SETS_PER_LINK * 20), `the inputs are one-sided: ${String(tally)}`)
  }
}
