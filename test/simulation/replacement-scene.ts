/**
 * A cluster whose members lose their disks and come back under their ids with new keys, played step by step, with a say in which
 * messages arrive. After every event the promises of consensus are checked.
 */
import assert from 'node:assert/strict'
import { SimCluster } from '../../sim/cluster.ts'
import { SafetyChecker } from '../../sim/invariants.ts'
import { endpointIdOf, SimNode } from '../../sim/sim-node.ts'
import { drawWeather } from '../../sim/weather.ts'
import { PEERS_CHANNEL, RAFT_CHANNEL } from '../../src/ports/index.ts'
import type { ChannelHandler } from '../../src/ports/index.ts'
import type { AdminRequest, ReplicaView } from '../../src/replica/index.ts'
import { forkPrng } from '../../src/simulation/index.ts'
import type { Life } from '../../src/simulation/index.ts'
import type { PeerMessage } from '../../src/wire/index.ts'
import { decodePeerMessage } from '../../src/wire/index.ts'
import { encodeCommand } from './clients.ts'

/** A message at the end of its way, from key to key. */
export interface Letter {
  readonly from: string
  readonly to: string
  readonly message: PeerMessage
  readonly deliver: () => void
}

const LIMIT_MS = 20_000
const PATIENCE_MS = 2000
const LOOK_INTERVAL_MS = 10
/** No log is purged: whoever comes back goes through all configurations, one after the other. */
const NEVER_ENTRIES = 1_000_000

export class Scene {
  readonly cluster: SimCluster
  /** Whether a message arrives; one that does not may be delivered later. */
  passes: (letter: Letter) => boolean = () => true
  /** Whether nodes hear what others say of members, beside consensus: that they were removed, for example. */
  hearsNews = true
  /** Looks on, every few milliseconds. */
  watch: () => void = () => undefined
  readonly #seed: number

  /** Starts all machines. */
  constructor(seed: number, founders: number, spares = 0) {
    this.#seed = seed
    const weather = drawWeather(forkPrng(seed, 'weather'), 'performance', founders)
    const entries = { retainedEntries: NEVER_ENTRIES, checkpointIntervalEntries: NEVER_ENTRIES }
    this.cluster = new SimCluster({ seed, weather: { ...weather, ...entries, spares } })
    this.#readLetters()
    for (const node of this.cluster.nodes) this.cluster.start(node)
  }

  node(id: number): SimNode {
    const node = this.cluster.nodes[id - 1]
    assert.ok(node !== undefined, `there is no node ${id}`)
    return node
  }

  /** What a machine that runs knows. */
  view(of: number | SimNode): ReplicaView {
    const node = typeof of === 'number' ? this.node(of) : of
    return node.parts.replica.view
  }

  /** The key of a member, as a machine knows it. */
  keyKnownAt(at: number, id: number): string | undefined {
    return this.view(at).membership.members.find((member) => member.id === id)?.endpointId
  }

  // --- Time ---

  run(ms: number, stepMs = LOOK_INTERVAL_MS): void {
    const end = this.cluster.scheduler.now + ms
    while (this.cluster.scheduler.now < end) {
      this.cluster.run(stepMs)
      this.watch()
    }
  }

  until(what: string, holds: () => boolean, withinMs = LIMIT_MS): void {
    const end = this.cluster.scheduler.now + withinMs
    while (!holds()) {
      assert.ok(this.cluster.scheduler.now < end, `seed ${this.#seed}: not within ${withinMs} ms: ${what}`)
      this.run(LOOK_INTERVAL_MS)
    }
  }

  // --- Machines and paths ---

  start(...ids: readonly number[]): void {
    for (const id of ids) this.cluster.start(this.node(id))
  }

  kill(...ids: readonly number[]): void {
    for (const id of ids) this.cluster.crash(this.node(id), 'killed')
  }

  /** The machine of a member gets new disks, and with them a new key. It is started. */
  renew(id: number): void {
    this.cluster.loseDisks(this.node(id))
    this.start(id)
  }

  /** Another machine takes the id of a member under a new key, and starts, while the old one runs on. */
  successorOf(id: number): SimNode {
    const { scheduler, network, weather } = this.cluster
    const throws = (error: Error): never => {
      throw error
    }
    // Its promises are those of another node, and a checker knows a node by its id.
    const checker = new SafetyChecker()
    const successor: SimNode = new SimNode({
      ...weather,
      id,
      seed: this.#seed + 1,
      scheduler,
      network,
      checker,
      sabotage: 'none',
      clusterId: this.cluster.clusterId,
      ballastBytes: () => 0,
      peers: () => this.cluster.nodes.filter((node) => node.id !== id).map(({ endpointId }) => endpointId),
      afterEvent: ({ replica }) => {
        if (replica === null) return
        const { role, term, commitIndex } = replica.view
        checker.commits(id, commitIndex, role === 'leader' ? term : null, (index) => replica.termAt(index))
      },
      onFatal: (_, error) => throws(error),
      onRefused: (_, error) => throws(error),
      onOpened: () => undefined,
      onStopped: () => undefined,
      onAnswer: () => undefined,
      onDiskFailure: () => undefined,
      onViolation: (property, message) => throws(new Error(`${property}: ${message}`)),
    })
    successor.loseDisks()
    successor.start()
    assert.equal(successor.endpointId, endpointIdOf(id, 1))
    return successor
  }

  /** Keys of different groups do not hear each other any more. */
  split(...groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const to of groups.filter((other) => other !== group).flat())
        for (const from of group) this.cluster.network.cut(from, to)
    }
  }

  keysOf(...ids: readonly number[]): string[] {
    return ids.map((id) => this.node(id).endpointId)
  }

  // --- Members ---

  /** The founders become the voters. Until that is committed the first of them cannot be missed. */
  found(): void {
    this.until('the cluster is founded', () => this.cluster.found())
    this.until('nobody votes under the old configuration', () => this.view(1).membership.outgoing.length === 0)
    this.agree(this.view(1).membership.voters)
  }

  addLearner(nodeId: number, endpointId: string = this.node(nodeId).endpointId): void {
    this.#administer({ op: 'add-learner', nodeId, endpointId })
  }

  setVoters(members: readonly number[]): void {
    this.#administer({ op: 'change-membership', members, learners: [] })
  }

  /** A member loses its disks and its key. It leaves, comes back as somebody else, and votes again when it has everything. */
  replace(id: number): void {
    const { voters } = this.view(this.#leading()).membership
    this.cluster.loseDisks(this.node(id))
    this.setVoters(voters.filter((voter) => voter !== id))
    this.start(id)
    this.addLearner(id)
    this.setVoters(voters)
    this.agree([id])
  }

  /** Kills whoever leads and is another one, until this node does; each of these must be there, and be able to follow. */
  makeLead(id: number, followers: readonly number[]): void {
    for (let leading = this.#leading(); leading.id !== id; leading = this.#leading()) {
      this.kill(leading.id)
      this.#leading()
      this.start(leading.id)
      this.agree([id, ...followers])
    }
  }

  /** Waits until these have applied all that is committed, under one configuration. */
  agree(ids: readonly number[], withinMs = LIMIT_MS): void {
    const { checker } = this.cluster
    const has = (id: number): boolean => this.node(id).replica?.view.appliedIndex === checker.lastCommitted
    this.until(`nodes ${ids.join()} have all that is committed`, () => ids.every(has), withinMs)
    for (const id of ids) assert.deepEqual(this.view(id).membership, this.view(ids[0] as number).membership)
  }

  // --- Requests ---

  write(at: number, count: number): void {
    let written = 0
    const { replica, life } = this.node(at).parts
    for (let i = 0; i < count; i++) {
      replica.write(encodeCommand({ Set: { key: `k${i % 5}`, value: `v${i}` } }), life.clock.now() + PATIENCE_MS, (error) => {
        assert.ifError(error)
        written++
      })
    }
    this.until(`${count} writes are acknowledged`, () => written === count)
  }

  /** Asks a node for a write and for a read; tells which of them it serves. */
  served(by: number): string[] {
    const served: string[] = []
    let open = 2
    const reply = (what: string) => (error: Error | undefined) => {
      open--
      if (error === undefined) served.push(what)
    }
    const { replica, life } = this.node(by).parts
    const deadline = life.clock.now() + PATIENCE_MS
    replica.write(encodeCommand({ Set: { key: 'who', value: `node ${by}` } }), deadline, reply('write'))
    replica.read(deadline, reply('read'))
    this.until(`node ${by} has answered`, () => open === 0)
    return served.toSorted()
  }

  #leading(): SimNode {
    this.until('somebody leads', () => this.cluster.leader !== undefined)
    return this.cluster.leader as SimNode
  }

  /** Asks whoever leads, again and again, until it is done. */
  #administer(request: AdminRequest): void {
    let state: 'idle' | 'asked' | 'done' = 'idle'
    this.until(`${JSON.stringify(request)} is done`, () => {
      const { leader } = this.cluster
      if (state === 'idle' && leader?.replica && leader.life) {
        state = 'asked'
        leader.replica.administer(request, leader.life.clock.now() + PATIENCE_MS, (error) => {
          state = error === undefined ? 'done' : 'idle'
        })
      }
      return state === 'done'
    })
  }

  #newsOf(handler: ChannelHandler): ChannelHandler {
    return {
      opened: (peer) => handler.opened(peer),
      claimed: (peer) => handler.claimed(peer),
      closed: (from, end) => handler.closed(from, end),
      refused: (from) => handler.refused(from),
      message: (from, bytes) => {
        if (this.hearsNews) handler.message(from, bytes)
      },
    }
  }

  #readLetters(): void {
    const { network } = this.cluster
    const attach = network.attach.bind(network)
    network.attach = (to: string, life: Life) => {
      const transport = attach(to, life)
      return {
        ...transport,
        attach: (kind, handler) => {
          // Letters are what consensus says; nodes tell each other addresses beside it.
          if (kind.id === PEERS_CHANNEL.id) return transport.attach(kind, this.#newsOf(handler))
          if (kind.id !== RAFT_CHANNEL.id) return transport.attach(kind, handler)
          const message = (from: string, bytes: Uint8Array): void => {
            const deliver = (): void => handler.message(from, bytes)
            if (this.passes({ from, to, message: decodePeerMessage(bytes), deliver })) deliver()
          }
          const opened = handler.opened.bind(handler)
          const claimed = handler.claimed.bind(handler)
          const closed = handler.closed.bind(handler)
          const refused = handler.refused.bind(handler)
          return transport.attach(kind, { opened, claimed, closed, refused, message })
        },
      }
    }
  }
}
