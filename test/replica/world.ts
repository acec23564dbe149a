/** Whole nodes in one process on a clock that a test moves: segmented logs on disks in memory, links in memory. */
import assert from 'node:assert/strict'
import { Prng } from '../../src/lib/index.ts'
import { noMetrics, RAFT_CHANNEL, silentLogger } from '../../src/ports/index.ts'
import type { Channel, ChannelHandler, Disk, LinkedPeer, StateMachine } from '../../src/ports/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { NodePorts, NodeServer, RaftStores } from '../../src/node/index.ts'
import { noPeerStore } from '../../src/peers/index.ts'
import type { Entry, Member, NodeId } from '../../src/raft/index.ts'
import type { Replica, Reply } from '../../src/replica/index.ts'
import {
  MemoryDisk,
  openMemoryStateMachine,
  openSegmentedLog,
  openSnapshotFiles,
  readDivergence,
  StateError,
  TrustedStateMachine,
} from '../../src/storage/index.ts'
import { decodePeerMessage, encodePeerMessage } from '../../src/wire/index.ts'
import { encodeEnvelope } from '../../src/commands/index.ts'
import type { PeerMessage } from '../../src/wire/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryNetwork } from '../memory-network/memory-network.ts'
import type { MemoryTransport } from '../memory-network/memory-transport.ts'

export const CLUSTER = 'c'.repeat(32)
const COOKIE = 'a cookie'
const SETTINGS = {
  version: 'tested',
  timings: { heartbeatIntervalMs: 50, electionTimeoutMinMs: 150, electionTimeoutMaxMs: 300 },
  requestTimeoutMs: 5000,
  mailboxCapacity: 1000,
  peers: [],
  retainedEntries: 10,
  checkpointIntervalEntries: 20,
  stopGraceMs: 1000,
  thorough: true,
}

export function endpointOf(id: NodeId): string {
  return String(id).padStart(64, '0')
}

function addressOf(id: NodeId): string {
  return `node-${id}.memory:1`
}

export class Node {
  readonly id: NodeId
  readonly logDisk: MemoryDisk
  readonly snapshotDisk: MemoryDisk
  readonly fatal: Error[] = []
  /** What stands between the node and its disks from its next start on: a test's fault, say. */
  disk: (disk: Disk) => Disk = (disk) => disk
  /** What it makes of an entry before it applies it: a test's damage, say. */
  misread: (entry: Entry) => Entry = (entry) => entry
  /** It takes no snapshots, as with a full disk. */
  refusesSnapshots = false
  transport!: MemoryTransport
  readonly #world: World
  #state!: StateMachine
  #server: NodeServer | undefined
  #lives = 0
  /** Completions of the log's disk that are held back, or null. */
  #stalled: (() => void)[] | null = null

  constructor(world: World, id: NodeId) {
    this.#world = world
    this.id = id
    const defer = (run: () => void): void => world.clock.defer(run)
    this.logDisk = new MemoryDisk((run) => {
      if (this.#stalled === null) defer(run)
      else this.#stalled.push(run)
    })
    this.snapshotDisk = new MemoryDisk(defer)
  }

  get member(): Member {
    return { id: this.id, endpointId: endpointOf(this.id), addresses: [addressOf(this.id)] }
  }

  start(): void {
    const { clock } = this.#world
    let opened: NodeServer | undefined
    this.open({ volatile: false }, (error, server) => {
      if (error !== undefined || server === undefined) throw error ?? new Error('no node')
      opened = server
    })
    clock.until(() => opened !== undefined, `node ${this.id} opens`)
    opened?.start().catch((error: unknown) => this.fatal.push(error as Error))
    clock.settle()
  }

  get replica(): Replica {
    const replica = this.#server?.raft.present?.replica
    assert.ok(replica !== undefined, `node ${this.id} has not recovered`)
    return replica
  }

  /** Recovers from the disks. A volatile state machine has forgotten everything. */
  open({ volatile }: { readonly volatile: boolean }, reply: Reply<NodeServer>): void {
    const { clock, network } = this.#world
    const life = ++this.#lives
    const alive = (run: () => void) => (): void => {
      if (life === this.#lives) run()
    }
    const defer = (run: () => void): void => clock.defer(alive(run))
    this.transport = network.createTransport({ endpointId: endpointOf(this.id), cookie: COOKIE }, addressOf(this.id))
    const ports: NodePorts = {
      clock: { now: () => clock.now(), setTimer: (ms, run) => clock.setTimer(ms, alive(run)), defer },
      random: new Prng(this.id * 1000 + life),
      transport: this.transport,
      openStores: () => this.#openStores(volatile, defer),
      peerStore: noPeerStore,
      faces: [],
      logger: silentLogger,
      metrics: noMetrics,
      drawClusterId: () => CLUSTER,
      onFault: ({ error }) => this.fatal.push(error),
    }
    openNode(ports, { ...SETTINGS, nodeId: this.id }, (error, server) => {
      this.#server = server
      reply(error, server)
    })
  }

  #openStores(volatile: boolean, defer: (run: () => void) => void): RaftStores {
    const disk = this.disk(this.snapshotDisk)
    const divergence = readDivergence(disk)
    const snapshots = openSnapshotFiles(disk, { defer })
    const engine = openMemoryStateMachine({ snapshots, volatile, defer, clusterId: () => CLUSTER })
    this.#state = new TrustedStateMachine(engine, { disk, divergence, defer })
    const log = openSegmentedLog(this.disk(this.logDisk), { storeId: 'ab'.repeat(16), segmentSize: 4096, defer })
    return { log, stateMachine: misreading(this.#state, this), snapshots, volumes: [], warnings: [] }
  }

  /** Keeps a link to another node. */
  connect({ member: { endpointId, addresses } }: Node): void {
    this.transport.connect({ endpointId, addresses, relay: null })
  }

  /** The log's disk reports nothing until the function returned is called. */
  stallLog(): () => void {
    const stalled: (() => void)[] = (this.#stalled = [])
    return () => {
      this.#stalled = null
      for (const run of stalled) this.#world.clock.defer(run)
    }
  }

  get awaitsSnapshot(): boolean {
    return this.#state.awaitsSnapshot
  }

  /** The value of a key in this node's state, whatever the cluster has decided since. */
  localValue(key: string): string | undefined {
    const value = this.#state.get(new TextEncoder().encode(key))?.value
    return value === undefined ? undefined : new TextDecoder().decode(value)
  }

  crash(): void {
    this.#lives++
    this.#world.network.kill(endpointOf(this.id))
  }

  /** Calls back into `outcomes` with an error code, or 'ok'. */
  write(key: string, outcomes: string[], deadline = this.#world.clock.now() + 5000): void {
    this.replica.write(envelope(key), deadline, (error) => outcomes.push(error === undefined ? 'ok' : codeOf(error)))
  }
}

/** A state machine that takes entries for others. */
function misreading(state: StateMachine, node: Node): StateMachine {
  return {
    opensFromSnapshot: state.opensFromSnapshot,
    get awaitsSnapshot() {
      return state.awaitsSnapshot
    },
    distrust: (clusterId, done) => state.distrust(clusterId, done),
    info: () => state.info(),
    apply: (entries) => state.apply(entries.map((entry) => node.misread(entry))),
    flush: () => state.flush(),
    digest: () => state.digest(),
    get: (key) => state.get(key),
    head: (key) => state.head(key),
    scan: (range, limit, maxBytes) => state.scan(range, limit, maxBytes),
    durableIndex: () => state.durableIndex(),
    checkpoint: (done) => state.checkpoint(done),
    audit: (done) => state.audit(done),
    takeSnapshot: (clusterId, done) => {
      if (node.refusesSnapshots) done(new StateError('VOLUME_FULL', 'snapshots', 'no space'))
      else state.takeSnapshot(clusterId, done)
    },
    restore: (snapshot, done) => state.restore(snapshot, done),
    close: (done) => state.close(done),
  }
}

export function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message
}

export function envelope(key: string): Uint8Array {
  const bytes = new TextEncoder().encode(key)
  return encodeEnvelope({ origin: null, command: { type: 'batch', operations: [{ type: 'set', key: bytes, value: bytes }] } })
}

export class World {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork(this.clock)

  node(id: NodeId): Node {
    return new Node(this, id)
  }

  /** A running cluster of these voters, led by the first. */
  cluster(ids: readonly NodeId[]): Node[] {
    const nodes = ids.map((id) => this.node(id))
    const [first] = nodes as [Node]
    for (const node of nodes) node.start()
    for (const node of nodes) for (const other of nodes) node.connect(other)
    this.clock.advance(100)
    const outcomes: string[] = []
    first.replica.init(ids, CLUSTER, first.member, this.clock.now() + 5000, (error) =>
      outcomes.push(error === undefined ? 'ok' : codeOf(error)),
    )
    this.clock.until(() => outcomes.length > 0, 'the founding')
    assert.deepEqual(outcomes, ['ok'])
    this.clock.until(() => nodes.every((node) => node.replica.view.leader === 1), 'everyone knows the leader')
    return nodes
  }
}

/** A peer that says what the test wants it to say. */
export class HandPeer implements ChannelHandler {
  readonly transport: MemoryTransport
  readonly channel: Channel
  readonly received: PeerMessage[] = []
  readonly #id: NodeId

  /** It claims to be node `id`; its key is that of `holder`. */
  constructor(world: World, id: NodeId, holder: NodeId = id) {
    this.#id = id
    this.transport = world.network.createTransport({ endpointId: endpointOf(holder), cookie: COOKIE }, addressOf(holder))
    this.channel = this.transport.attach(RAFT_CHANNEL, this)
  }

  start(clusterId: string | null): void {
    this.transport
      .start({ nodeId: this.#id, clusterId, addresses: [], languageVersion: 1 })
      .catch((error: unknown) => assert.fail(String(error)))
  }

  /** Keeps a link to a node. */
  connect({ member: { endpointId, addresses } }: Node): void {
    this.transport.connect({ endpointId, addresses, relay: null })
  }

  opened(_peer: LinkedPeer): void {}
  claimed(_peer: LinkedPeer): void {}
  closed(): void {}
  refused(): void {}
  message(_endpointId: string, bytes: Uint8Array): void {
    this.received.push(decodePeerMessage(bytes))
  }

  say(to: NodeId, message: PeerMessage): boolean {
    return this.channel.send(endpointOf(to), encodePeerMessage(message), 'priority')
  }
}
