/** A leader and a follower with 10 Mbit/s between them, and a channel that has more to say than passes there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorSystem, defineActor } from '../../src/actor/index.ts'
import { parseAddress } from '../../src/api/index.ts'
import { Prng } from '../../src/lib/index.ts'
import { DirectTransport, generateIdentity, keepAliveMsFor, systemClock } from '../../src/net/index.ts'
import { noMetrics, silentLogger } from '../../src/ports/index.ts'
import type { Channel, ChannelHandler, ChannelKind, Lane } from '../../src/ports/index.ts'
import { openReplica } from '../../src/replica/index.ts'
import type { Replica } from '../../src/replica/index.ts'
import {
  MemoryDisk,
  openMemoryStateMachine,
  openSegmentedLog,
  openSnapshotFiles,
  TrustedStateMachine,
} from '../../src/storage/index.ts'
import { SlowPath } from '../contracts/slow-path.ts'
import { FAST } from '../contracts/transport-direct-world.ts'
import { eventually } from '../contracts/transport-observer.ts'

const CLUSTER = 'c'.repeat(32)
const BITS_PER_SECOND = 10_000_000
/** The defaults of a node. */
const TIMINGS = { heartbeatIntervalMs: 500, electionTimeoutMinMs: 1_500, electionTimeoutMaxMs: 3_000 }
/** Seconds of the path: enough for elections, were there a reason for any. */
const BYTES_TO_PASS = 5_000_000
const CHUNK_SIZE = 200_000
const TRANSFER: ChannelKind = { id: 40, name: 'transfer', topLane: 'normal', maxQueueBytes: 8_000_000 }

class Node {
  readonly id: number
  readonly transport: DirectTransport
  /** Terms in which somebody was seen to lead. */
  readonly terms = new Set<number>()
  replica!: Replica

  constructor(id: number) {
    this.id = id
    this.transport = new DirectTransport({
      ...FAST,
      keepAliveMs: keepAliveMsFor(TIMINGS.electionTimeoutMinMs),
      identity: generateIdentity(),
      cookie: 'cookie',
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
      metrics: noMetrics,
      random: new Prng(id),
    })
  }

  async start(): Promise<void> {
    const { id, transport } = this
    const defer = (run: () => void): void => void setImmediate(run)
    const disk = new MemoryDisk(defer)
    const snapshots = openSnapshotFiles(disk, { defer })
    const engine = openMemoryStateMachine({ snapshots, volatile: false, defer, clusterId: () => CLUSTER })
    const stateMachine = new TrustedStateMachine(engine, { disk, divergence: null, defer })
    const log = openSegmentedLog(new MemoryDisk(defer), { storeId: 'ab'.repeat(16), segmentSize: 65_536, defer })
    const { promise, resolve, reject } = Promise.withResolvers<Replica>()
    openReplica(
      {
        nodeId: id,
        clock: systemClock,
        random: new Prng(id),
        log,
        stateMachine,
        snapshots,
        transport,
        logger: {
          log: (_level, message, facts) => {
            if (message === 'role changed') this.terms.add(Number(facts?.['term']))
          },
        },
        metrics: noMetrics,
        timings: TIMINGS,
        retainedEntries: 10,
        checkpointIntervalEntries: 1_000,
        nodeIdHint: () => null,
        onFatal: reject,
        onLinked: () => undefined,
        onClusterId: (clusterId) => transport.announce({ clusterId }),
        onMembership: () => undefined,
      },
      (error, replica) => (replica === undefined ? reject(error) : resolve(replica)),
    )
    this.replica = await promise
    this.replica.start()
    await transport.start({ nodeId: id, clusterId: null, addresses: [], languageVersion: 1 })
  }

  async stop(): Promise<void> {
    this.replica.close()
    await this.transport.close()
  }
}

const deaf: ChannelHandler = {
  opened: () => undefined,
  claimed: () => undefined,
  closed: () => undefined,
  refused: () => undefined,
  message: () => undefined,
}

/** Says as much as fits the queue, again and again, until it is stopped. */
function pourInto(channel: Channel, to: string, lane: Lane): () => void {
  const chunk = new Uint8Array(CHUNK_SIZE)
  const timer = setInterval(() => {
    while (channel.send(to, [chunk], lane));
  }, 5)
  return () => clearInterval(timer)
}

/** From one transport to the other, until what it returns is called. */
type Flood = (from: DirectTransport, to: DirectTransport) => () => void

function inLane(lane: Lane): Flood {
  return (from, to) => {
    to.attach(TRANSFER, deaf)
    return pourInto(from.attach(TRANSFER, deaf), to.endpointId, lane)
  }
}

/** As many messages as there is credit for, to more actors than one. */
function ofActors(from: DirectTransport, to: DirectTransport): () => void {
  const [sender, receiver] = [from, to].map((links, at) => {
    const system = new ActorSystem({ clock: systemClock, random: new Prng(at) })
    const keys = [from.endpointId, to.endpointId]
    system.connect({ links, nodeId: at, endpointOf: (id) => keys[id] ?? null, nodeOf: (key) => keys.indexOf(key) })
    return system
  }) as [ActorSystem, ActorSystem]
  const names = Array.from({ length: 10 }, (_, at) => `sink-${at}`)
  class Sink {
    take(_bytes: Uint8Array): void {}
  }
  for (const name of names) receiver.spawn(defineActor<Sink>({ start: () => new Sink() }), { registerAs: name })
  const sinks = names.map((name) => sender.remote<Sink>(1, name))
  const chunk = new Uint8Array(10_000)
  const timer = setInterval(() => {
    for (const sink of sinks) while (sink.trySend('take', chunk));
  }, 5)
  return () => clearInterval(timer)
}

/** A linearizable read at the leader: a heartbeat there and its answer back. */
async function roundTripMs({ replica }: Node): Promise<number> {
  const from = performance.now()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  replica.read(systemClock.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error)))
  await promise
  return performance.now() - from
}

/** A message in the lane of appends, and its answer back. */
function echoIn(from: DirectTransport, to: DirectTransport): () => Promise<number> {
  let answered: () => void = () => undefined
  const back: Channel = to.attach(TRANSFER, {
    ...deaf,
    message: (endpointId, bytes) => void back.send(endpointId, [bytes], 'normal'),
  })
  const there = from.attach(TRANSFER, { ...deaf, message: () => answered() })
  return async () => {
    const began = performance.now()
    await new Promise<void>((resolve) => {
      answered = resolve
      assert.ok(there.send(to.endpointId, [new Uint8Array(100)], 'normal'))
    })
    return performance.now() - began
  }
}

const FLOODS: readonly (readonly [name: string, flood: Flood])[] = [
  ['a channel that fills 10 Mbit/s in the bulk lane', inLane('bulk')],
  ['a channel that fills 10 Mbit/s in the normal lane', inLane('normal')],
  ['a flood of messages to actors, with 10 Mbit/s, delays no append, and', ofActors],
]

for (const [name, flood] of FLOODS) {
  test(`DirectTransport: ${name} delays no heartbeat by an election timeout`, async (context) => {
    const [leader, follower] = [new Node(1), new Node(2)]
    await Promise.all([leader.start(), follower.start()])
    context.after(() => Promise.all([leader.stop(), follower.stop()]))
    const port = parseAddress(follower.transport.addresses()[0] as string)?.port as number
    const path = new SlowPath(port, BITS_PER_SECOND)
    context.after(() => path.close())
    const { endpointId } = follower.transport
    leader.transport.connect({ endpointId, addresses: [await path.listen()], relay: null })
    await eventually(() => leader.transport.peers()[0]?.state === 'connected', 'the link')
    const self = { id: 1, endpointId: leader.transport.endpointId, addresses: [] }
    await new Promise<void>((resolve, reject) => {
      leader.replica.init([1, 2], CLUSTER, self, systemClock.now() + 10_000, (error) =>
        error === undefined ? resolve() : reject(error),
      )
    })
    await eventually(() => follower.replica.view.leader === 1, 'the follower hears its leader')
    leader.terms.clear()
    follower.terms.clear()

    const stop = flood(leader.transport, follower.transport)
    context.after(stop)
    const echoMs = flood === ofActors ? echoIn(leader.transport, follower.transport) : null
    let longest = 0
    while (path.passed < BYTES_TO_PASS) {
      longest = Math.max(longest, await roundTripMs(leader))
      if (echoMs !== null) longest = Math.max(longest, await echoMs())
    }
    stop()
    context.diagnostic(`the longest of the round trips took ${Math.round(longest)} ms`)
    assert.ok(
      longest < TIMINGS.electionTimeoutMinMs,
      `a heartbeat, or what goes in the lane of appends, and its answer took ${Math.round(longest)} ms`,
    )
    assert.deepEqual([...leader.terms, ...follower.terms], [], 'nobody began an election')
    assert.equal(leader.replica.view.role, 'leader')
  })
}
