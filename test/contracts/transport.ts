/** What every adapter of the transport port must do. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RAFT_CHANNEL } from '../../src/ports/index.ts'
import type { Channel, ChannelKind, Lane, PeerReport } from '../../src/ports/index.ts'
import { eventually, TransportObserver } from './transport-observer.ts'
import type { NodeOptions, TransportWorld, WorldNode } from './transport-world.ts'

type Run = (world: TransportWorld) => Promise<void>

const CLUSTER_A = 'a'.repeat(32)
const CLUSTER_B = 'b'.repeat(32)

function id(node: WorldNode): string {
  return node.transport.endpointId
}

/** Makes `from` keep a link to `to`. */
function dial(world: TransportWorld, from: WorldNode, to: WorldNode): void {
  from.observer.calling(() => from.transport.connect({ endpointId: id(to), addresses: [world.address(from, to)], relay: null }))
}

async function startTwo(
  world: TransportWorld,
  a: Partial<NodeOptions> = {},
  b: Partial<NodeOptions> = {},
): Promise<[WorldNode, WorldNode]> {
  return [await world.start({ nodeId: 1, ...a }), await world.start({ nodeId: 2, ...b })]
}

/** Two nodes with one link, wanted by the first alone unless `both`. */
async function startLinked(
  world: TransportWorld,
  both = false,
  options: Partial<NodeOptions> = {},
): Promise<[WorldNode, WorldNode]> {
  const [a, b] = await startTwo(world, options, options)
  dial(world, a, b)
  await Promise.all([a.observer.seen('opened'), b.observer.seen('opened')])
  if (both) dial(world, b, a)
  return [a, b]
}

function send(from: WorldNode, to: WorldNode, parts: readonly Uint8Array[], lane: Lane = 'bulk'): boolean {
  return from.observer.calling(() => from.channel.send(id(to), parts, lane))
}

function report(node: WorldNode, peer: WorldNode | string): PeerReport | undefined {
  const endpointId = typeof peer === 'string' ? peer : id(peer)
  return node.transport.peers().find((each) => each.endpointId === endpointId)
}

async function failsWith(node: WorldNode, peer: WorldNode | string, code: string): Promise<void> {
  await eventually(() => report(node, peer)?.lastError?.startsWith(`${code}: `) === true, `lastError ${code}`)
}

function numbered(count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(Math.max(4, size))
    new DataView(bytes.buffer).setUint32(0, i)
    return bytes
  })
}

function numbers(messages: readonly Uint8Array[]): number[] {
  return messages.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

const LINKING: Readonly<Record<string, Run>> = {
  'connect: opens a link that both sides see, with the claims of the other': async (world) => {
    const [a, b] = await startLinked(world)
    assert.deepEqual(a.observer.events, [{ type: 'opened', peer: id(b), claims: b.claims }])
    assert.deepEqual(b.observer.events, [{ type: 'opened', peer: id(a), claims: a.claims }])
    const expected: PeerReport = { endpointId: id(b), state: 'connected', claims: b.claims, lastError: null, path: world.path }
    assert.deepEqual(a.transport.peers(), [expected])
  },

  'connect: makes exactly one link when both sides dial at once, and loses nothing': async (world) => {
    const [a, b] = await startTwo(world)
    const count = 50
    const talk = async (from: WorldNode, to: WorldNode): Promise<void> => {
      dial(world, from, to)
      await from.observer.seen('opened')
      for (const bytes of numbered(count, 100)) assert.ok(send(from, to, [bytes]))
    }
    await Promise.all([talk(a, b), talk(b, a)])
    await Promise.all([a, b].map((node) => node.observer.seen('message', count)))
    for (const node of [a, b]) {
      assert.deepEqual(numbers(node.observer.messages()), upTo(count))
      assert.deepEqual(node.observer.linkHistory, ['opened'])
    }
  },

  'connect: uses the addresses given last, and tries each of them': async (world) => {
    const [a, b] = await startTwo(world)
    const dead = await world.deadAddress()
    a.transport.connect({ endpointId: id(b), addresses: [dead], relay: null })
    await failsWith(a, b, world.deadCode)
    a.transport.connect({ endpointId: id(b), addresses: [dead, world.address(a, b)], relay: null })
    await a.observer.seen('opened')
    assert.deepEqual(a.observer.linkHistory, ['opened'], 'no hint about a peer that was never linked')
  },

  'connect: waits without dialling when there is no address': async (world) => {
    const [a, b] = await startTwo(world)
    a.transport.connect({ endpointId: id(b), addresses: [], relay: null })
    assert.equal(report(a, b)?.state, 'waiting')
    dial(world, b, a)
    await a.observer.seen('opened')
  },

  'send: says false when there is no link': async (world) => {
    const [a, b] = await startTwo(world)
    assert.equal(send(a, b, [Uint8Array.of(1)]), false)
  },
}

const MESSAGES: Readonly<Record<string, Run>> = {
  'send: joins the parts and keeps the order within a lane, both ways': async (world) => {
    const [a, b] = await startLinked(world)
    const count = 300
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      numbered(count, 8).forEach((bytes, i) => {
        bytes[7] = i % 3 === 0 ? 1 : 0
        const parts = [bytes.subarray(0, 3), bytes.subarray(3, 3), bytes.subarray(3)]
        assert.ok(send(from, to, parts, bytes[7] === 1 ? 'priority' : 'bulk'))
      })
    }
    await Promise.all([a, b].map((node) => node.observer.seen('message', count)))
    for (const node of [a, b]) {
      const lanes = [1, 0].map((lane) => numbers(node.observer.messages().filter((bytes) => bytes[7] === lane)))
      assert.deepEqual(
        lanes[0],
        upTo(count).filter((i) => i % 3 === 0),
      )
      assert.deepEqual(
        lanes[1],
        upTo(count).filter((i) => i % 3 !== 0),
      )
    }
  },

  'send: carries empty messages and messages around the sizes of frames': async (world) => {
    const [a, b] = await startLinked(world)
    const sizes = [0, 1, 16_384, 65_531, 65_532, 65_533, 131_064, 131_065, 0, 1_000_003]
    const sent = sizes.map((size, i) => Uint8Array.from({ length: size }, (_, at) => (at * 7 + i) & 0xff))
    for (const bytes of sent) assert.ok(send(a, b, [bytes]))
    await b.observer.seen('message', sizes.length)
    b.observer.messages().forEach((bytes, i) => assert.ok(Buffer.from(bytes).equals(sent[i] as Uint8Array), `message ${i}`))
  },

  'send: carries the largest message, and lets priority overtake it': async (world) => {
    const [a, b] = await startLinked(world)
    const large = new Uint8Array(10 * 1024 * 1024).fill(5)
    assert.ok(send(a, b, [large]))
    assert.ok(send(a, b, [large.subarray(0, 1)]))
    assert.ok(send(a, b, [Uint8Array.of(1, 2, 3)], 'priority'))
    await b.observer.seen('message', 3)
    assert.deepEqual(
      b.observer.messages().map((bytes) => bytes.length),
      [3, large.length, 1],
    )
    assert.ok(Buffer.from(b.observer.messages()[1] as Uint8Array).equals(large))
  },

  'send: says false when the queue is full, delivers what it took, and takes more afterwards': async (world) => {
    const maxQueueBytes = 1024 * 1024
    const [a, b] = await startLinked(world, false, { maxQueueBytes })
    const messages = numbered(1_000, 10_000)
    const accepted = messages.findIndex((bytes) => !send(a, b, [bytes]))
    assert.ok(accepted > 10 && accepted * 10_000 <= maxQueueBytes, `${accepted} accepted`)
    await b.observer.seen('message', accepted)
    assert.deepEqual(numbers(b.observer.messages()), upTo(accepted))
    assert.ok(send(a, b, [messages[accepted] as Uint8Array]))
    await b.observer.seen('message', accepted + 1)
  },

  'message: may be answered from inside the handler': async (world) => {
    const [a, b] = await startLinked(world)
    b.observer.onMessage = (peer, bytes) => void b.channel.send(peer, [bytes], 'priority')
    for (const bytes of numbered(20, 50)) send(a, b, [bytes])
    await a.observer.seen('message', 20)
    assert.deepEqual(numbers(a.observer.messages()), upTo(20))
  },

  'message: is the last of its link when the handler disconnects': async (world) => {
    const [a, b] = await startLinked(world)
    b.observer.onMessage = (peer) => b.transport.disconnect(peer)
    for (const bytes of numbered(20, 50)) send(a, b, [bytes])
    await b.observer.seen('closed graceful')
    assert.deepEqual(b.observer.history.slice(0, 3), ['opened', 'message', 'closed graceful'])
  },
}

const ENDS: Readonly<Record<string, Run>> = {
  'closed: is lost on both sides when the path breaks, and the link comes back': async (world) => {
    const [a, b] = await startLinked(world, true)
    world.lose(a, b)
    for (const node of [a, b]) {
      await node.observer.seen('opened', 2)
      assert.deepEqual(node.observer.linkHistory, ['opened', 'closed lost', 'opened'])
    }
    assert.ok(send(a, b, [Uint8Array.of(7)]))
    await b.observer.seen('message')
  },

  'closed: is moved where a peer of the same life comes back over another path, and that path begins afresh': async (world) => {
    const [a, b] = await startLinked(world, false, { keepAliveMs: 60_000 })
    // More than may be under way unacknowledged. All of it goes down with the old path, and so does what acknowledges any of it.
    for (const bytes of numbered(20, 100_000)) assert.ok(send(b, a, [bytes], 'normal'))
    world.loseAt(a, b)
    await Promise.all([a.observer.seen('opened', 2), b.observer.seen('opened', 2)])
    assert.deepEqual(a.observer.linkHistory, ['opened', 'closed lost', 'opened'])
    assert.deepEqual(b.observer.linkHistory, ['opened', 'closed moved', 'opened'])
    const received = a.observer.count('message')
    for (const bytes of numbered(20, 100_000)) {
      assert.ok(send(b, a, [bytes], 'normal'))
      assert.ok(send(a, b, [bytes], 'bulk'))
    }
    await Promise.all([a.observer.seen('message', received + 20), b.observer.seen('message', 20)])
    assert.deepEqual(numbers(a.observer.messages().slice(received)), upTo(20))
    assert.deepEqual(numbers(b.observer.messages()), upTo(20))
  },

  'closed: is moved once for each of many paths in a row, and the last one works': async (world) => {
    const [a, b] = await startLinked(world, false, { keepAliveMs: 60_000 })
    for (let moves = 1; moves <= 5; moves++) {
      world.loseAt(a, b)
      await Promise.all([a.observer.seen('opened', moves + 1), b.observer.seen('opened', moves + 1)])
      assert.equal(b.observer.count('closed moved'), moves)
    }
    assert.ok(send(b, a, [Uint8Array.of(1, 2, 3, 4)]))
    await a.observer.seen('message')
    assert.equal(b.observer.count('closed lost') + b.observer.count('refused') + a.observer.count('refused'), 0)
  },

  'closed: is lost, not moved, where another life of the peer comes back': async (world) => {
    const [a, b] = await startLinked(world, false, { keepAliveMs: 60_000 })
    world.kill(a)
    const successor = await world.restart(a)
    dial(world, successor, b)
    await Promise.all([successor.observer.seen('opened'), b.observer.seen('opened', 2)])
    assert.equal(b.observer.count('closed moved'), 0)
  },

  'closed: is lost on both sides when a peer falls silent, and the link comes back when it is heard again': async (world) => {
    const [a, b] = await startLinked(world, true)
    world.cut(a, b)
    await Promise.all([a.observer.seen('closed lost'), b.observer.seen('closed lost')])
    world.heal(a, b)
    await Promise.all([a.observer.seen('opened', 2), b.observer.seen('opened', 2)])
    assert.equal(a.observer.count('refused'), 0, 'a silent peer refuses nothing')
  },

  'refused: follows the loss of a peer that is gone, and its successor is linked again': async (world) => {
    const [a, b] = await startLinked(world, true)
    world.kill(b)
    await a.observer.seen('refused')
    assert.deepEqual(a.observer.linkHistory.slice(0, 3), ['opened', 'closed lost', 'refused'])
    const successor = await world.restart(b)
    await Promise.all([a.observer.seen('opened', 2), successor.observer.seen('opened')])
    assert.ok(send(successor, a, [Uint8Array.of(1)]))
    await a.observer.seen('message')
  },

  'refused: is not said by a side that has no address to dial': async (world) => {
    const [a, b] = await startLinked(world)
    world.kill(a)
    await b.observer.seen('closed lost')
    await eventually(() => report(b, a) === undefined, 'the peer is forgotten')
    assert.deepEqual(b.observer.linkHistory, ['opened', 'closed lost'])
  },

  'disconnect: ends the link gracefully on both sides, after what was sent before': async (world) => {
    const [a, b] = await startLinked(world)
    const count = 40
    for (const bytes of numbered(count, 30_000)) assert.ok(send(a, b, [bytes]))
    a.observer.calling(() => a.transport.disconnect(id(b)))
    assert.equal(send(a, b, [Uint8Array.of(1)]), false)
    await Promise.all([a.observer.seen('closed graceful'), b.observer.seen('closed graceful')])
    assert.deepEqual(numbers(b.observer.messages()), upTo(count))
    assert.deepEqual(a.observer.linkHistory, ['opened', 'closed graceful'])
    assert.deepEqual(b.observer.linkHistory, ['opened', 'closed graceful'])
    assert.deepEqual(a.transport.peers(), [])
  },

  'disconnect: stops dialling': async (world) => {
    const [a, b] = await startTwo(world)
    a.transport.connect({ endpointId: id(b), addresses: [await world.deadAddress()], relay: null })
    await failsWith(a, b, world.deadCode)
    a.transport.disconnect(id(b))
    assert.deepEqual(a.transport.peers(), [])
    dial(world, a, b)
    await a.observer.seen('opened')
  },

  'close: ends every link gracefully and leaves nobody listening': async (world) => {
    const [a, b] = await startLinked(world)
    const c = await world.start({ nodeId: 3 })
    dial(world, c, b)
    await c.observer.seen('opened')
    await b.transport.close()
    await Promise.all([a, b, c].map((node) => node.observer.seen('closed graceful')))
    await eventually(() => report(a, b)?.lastError !== null, 'a fails to dial')
    assert.equal(a.observer.count('refused'), 0, 'a graceful end is no hint of a crash')
    assert.equal(b.observer.count('closed graceful'), 2)
    await b.transport.close()
  },
}

const TRUST: Readonly<Record<string, Run>> = {
  'connect: is refused by both sides when the cookies differ': async (world) => {
    const [a, b] = await startTwo(world, { cookie: 'one' }, { cookie: 'another' })
    dial(world, a, b)
    dial(world, b, a)
    await Promise.all([failsWith(a, b, 'COOKIE_MISMATCH'), failsWith(b, a, 'COOKIE_MISMATCH')])
    assert.deepEqual([...a.observer.history, ...b.observer.history], [])
  },

  'connect: is refused by both sides when they belong to different clusters': async (world) => {
    const [a, b] = await startTwo(world, { clusterId: CLUSTER_A }, { clusterId: CLUSTER_B })
    dial(world, a, b)
    dial(world, b, a)
    await Promise.all([failsWith(a, b, 'CLUSTER_MISMATCH'), failsWith(b, a, 'CLUSTER_MISMATCH')])
    assert.deepEqual([...a.observer.history, ...b.observer.history], [])
  },

  'connect: links nodes of one cluster, and a node that has none yet': async (world) => {
    const [a, b] = await startTwo(world, { clusterId: CLUSTER_A }, { clusterId: CLUSTER_A })
    const c = await world.start({ nodeId: 3 })
    dial(world, a, b)
    dial(world, c, a)
    await Promise.all([a.observer.seen('opened', 2), b.observer.seen('opened'), c.observer.seen('opened')])
  },

  'connect: takes nobody for the peer who has not the peer\u2019s key': async (world) => {
    const [a, b] = await startTwo(world)
    const c = await world.start({ nodeId: 3 })
    a.transport.connect({ endpointId: id(c), addresses: [world.address(a, b)], relay: null })
    await failsWith(a, id(c), 'KEY_MISMATCH')
    assert.deepEqual([...a.observer.history, ...b.observer.history], [])
    // The right address beside the wrong one is enough.
    a.transport.connect({ endpointId: id(c), addresses: [world.address(a, b), world.address(a, c)], relay: null })
    await a.observer.seen('opened')
  },

  'connect: names an address that is the node\u2019s own, and ignores its own key': async (world) => {
    const [a, b] = await startTwo(world)
    a.transport.connect({ endpointId: id(b), addresses: [world.address(a, a)], relay: null })
    await failsWith(a, b, 'SELF')
    a.transport.connect({ endpointId: id(a), addresses: [world.address(a, a)], relay: null })
    assert.equal(report(a, id(a)), undefined)
  },

  'announce: reaches every linked peer ahead of what is sent afterwards': async (world) => {
    const [a, b] = await startLinked(world)
    const claims = { nodeId: 1, clusterId: CLUSTER_A, addresses: ['10.0.0.1:1'], languageVersion: 1 }
    a.observer.calling(() => a.transport.announce(claims))
    send(a, b, [Uint8Array.of(1)])
    await b.observer.seen('message')
    assert.deepEqual(b.observer.history, ['opened', 'claimed', 'message'])
    assert.deepEqual(b.observer.events[1], { type: 'claimed', peer: id(a), claims })
    assert.deepEqual(report(b, a)?.claims, claims)
  },

  'announce: ends links to nodes of another cluster, on both sides': async (world) => {
    const [a, b] = await startTwo(world, {}, { clusterId: CLUSTER_B })
    dial(world, a, b)
    await Promise.all([a.observer.seen('opened'), b.observer.seen('opened')])
    dial(world, b, a)
    a.observer.calling(() => a.transport.announce({ ...a.claims, clusterId: CLUSTER_A }))
    await Promise.all([a.observer.seen('closed graceful'), b.observer.seen('closed graceful')])
    await Promise.all([failsWith(a, b, 'CLUSTER_MISMATCH'), failsWith(b, a, 'CLUSTER_MISMATCH')])
    assert.deepEqual(a.observer.linkHistory, ['opened', 'closed graceful'])
  },
}

const GOSSIP: ChannelKind = { id: 9, name: 'gossip', topLane: 'bulk', maxQueueBytes: 100_000 }

/** Takes part in another channel of this node. */
function join(node: WorldNode, kind = GOSSIP): { readonly observer: TransportObserver; readonly channel: Channel } {
  const observer = new TransportObserver()
  return { observer, channel: observer.calling(() => node.transport.attach(kind, observer)) }
}

const CHANNELS: Readonly<Record<string, Run>> = {
  'attach: tells whoever comes later of the links there are, and of no message before': async (world) => {
    const [a, b] = await startLinked(world)
    const [ofA, ofB] = [join(a), join(b)]
    assert.ok(ofA.channel.send(id(b), [Uint8Array.of(7)], 'normal'))
    await ofB.observer.seen('message')
    assert.deepEqual(ofB.observer.history, ['opened', 'message'])
    assert.deepEqual(ofB.observer.events[0], { type: 'opened', peer: id(a), claims: a.claims })
    assert.deepEqual(Array.from(ofB.observer.messages()[0] as Uint8Array), [7])
    await ofA.observer.seen('opened')
    assert.equal(b.observer.count('message'), 0, 'the message is of another channel')
    a.transport.disconnect(id(b))
    await Promise.all([ofA, ofB].map(({ observer }) => observer.seen('closed graceful')))
  },

  'attach: before the start and after it hear the same': async (world) => {
    const [a, b] = await startTwo(world)
    const { observer } = join(a)
    dial(world, a, b)
    await observer.seen('opened')
    world.lose(a, b)
    await observer.seen('opened', 2)
    assert.deepEqual(observer.linkHistory, ['opened', 'closed lost', 'opened'])
  },

  'attach: is one at a time': async (world) => {
    const [a] = await startTwo(world)
    const { channel } = join(a)
    assert.throws(() => join(a), /attached to channel gossip already/)
    channel.detach()
    join(a)
  },

  'attach: what comes on a channel of nobody is dropped and counted, and the link lives on': async (world) => {
    const [a, b] = await startLinked(world)
    const { channel } = join(a)
    assert.ok(channel.send(id(b), [Uint8Array.of(1)], 'normal'))
    await eventually(() => b.unclaimed() === 1, 'the message is counted')
    assert.ok(send(a, b, [Uint8Array.of(2)]))
    await b.observer.seen('message')
    assert.deepEqual(b.observer.history, ['opened', 'message'])
  },

  'detach: ends what is said and heard, and a successor in the same process takes its place': async (world) => {
    const [a, b] = await startLinked(world)
    assert.ok(send(a, b, [Uint8Array.of(1)]))
    await b.observer.seen('message')
    b.channel.detach()
    b.channel.detach()
    assert.equal(b.channel.send(id(a), [Uint8Array.of(9)], 'priority'), false)
    assert.ok(send(a, b, [Uint8Array.of(2)]))
    await eventually(() => b.unclaimed() === 1, 'the message finds nobody')
    const next = join(b, RAFT_CHANNEL)
    b.channel.detach()
    await a.observer.seen('opened', 2)
    assert.ok(send(a, b, [Uint8Array.of(3)]))
    await next.observer.seen('message')
    assert.deepEqual(next.observer.history, ['opened', 'message'])
    assert.ok(next.channel.send(id(a), [Uint8Array.of(4)], 'priority'))
    await a.observer.seen('message')
    assert.deepEqual(b.observer.history, ['opened', 'message'])
    assert.deepEqual(a.observer.linkHistory, ['opened', 'closed detached', 'opened'], 'the link is not touched')
  },

  'detach: inside a handler is the end of what it hears': async (world) => {
    const [a, b] = await startLinked(world)
    b.observer.onMessage = () => b.channel.detach()
    for (const bytes of numbered(5, 10)) assert.ok(send(a, b, [bytes]))
    await eventually(() => b.unclaimed() === 4, 'the others find nobody')
    assert.equal(b.observer.count('message'), 1)
  },

  'send: of a channel whose share of the queue is full does not stop the others': async (world) => {
    const [a, b] = await startLinked(world)
    const [ofA, ofB] = [join(a), join(b)]
    const messages = numbered(20, 10_000)
    const taken = messages.filter((bytes) => ofA.channel.send(id(b), [bytes], 'normal')).length
    assert.ok(taken >= 5 && taken <= 10, `${taken} of 20 fit a share of 100,000 bytes`)
    for (const bytes of messages) assert.ok(send(a, b, [bytes]))
    await Promise.all([ofB.observer.seen('message', taken), b.observer.seen('message', 20)])
    assert.ok(ofA.channel.send(id(b), [messages[0] as Uint8Array], 'normal'), 'there is room again')
  },

  'send: takes no better lane than the channel has': async (world) => {
    const [a, b] = await startLinked(world)
    const [ofA, ofB] = [join(a), join(b)]
    const order: string[] = []
    ofB.observer.onMessage = () => order.push('gossip')
    b.observer.onMessage = () => order.push('raft')
    assert.ok(ofA.channel.send(id(b), [Uint8Array.of(1)], 'priority'))
    assert.ok(send(a, b, [Uint8Array.of(2)], 'normal'))
    await eventually(() => order.length === 2, 'both arrive')
    assert.deepEqual(order, ['raft', 'gossip'])
  },
}

/** Registers the suite for one adapter: all of it but what an adapter has no idea of, such as cookies, by the titles. */
export function describeTransport(
  name: string,
  createWorld: () => Promise<TransportWorld>,
  without: ReadonlySet<string> = new Set(),
): void {
  const suite = { ...LINKING, ...MESSAGES, ...ENDS, ...TRUST, ...CHANNELS }
  for (const title of without) assert.ok(title in suite, `the suite has no "${title}"`)
  describe(`transport contract: ${name}`, () => {
    for (const [title, run] of Object.entries(suite)) {
      if (without.has(title)) continue
      test(title, async () => {
        const world = await createWorld()
        try {
          await run(world)
        } finally {
          await world.close()
        }
      })
    }
  })
}
