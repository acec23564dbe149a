/**
 * A cluster in one process, under virtual time: whole nodes over a simulated network and simulated disks, the programs of a
 * user beside them, and faults at will. All that happens is drawn from one seed, so that a failure can be repeated.
 */
import { crc32 } from 'node:zlib'
import { checkTimeout } from '../../api/index.ts'
import type { KeyValue, KeyValueStore, NodeStatus } from '../../api/index.ts'
import type { NodeService } from '../../node/index.ts'
import { utf8Decode } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { forkPrng, RELIABLE_NETWORK, Scheduler, simEndpointId, SimMachine, SimNetwork } from '../../simulation/index.ts'
import type { CrashKind, NetworkProfile, Trace } from '../../simulation/index.ts'
import { decodePeerMessage } from '../../wire/index.ts'
import { Programs, wordsOf } from './programs.ts'
import type { Program } from './programs.ts'
import { changedNetwork, checkCrashKind, checkTrouble } from './check-faults.ts'
import { recorded } from './recorded.ts'
import type { Recorder } from './recorded.ts'
import { RemoteNode } from './remote-node.ts'
import { RoutedClient } from './routed-client.ts'
import type { Trouble } from './trouble.ts'
import { Troublemaker } from './trouble.ts'

export interface RouterOptions {
  /** Everything is drawn from it. */
  readonly seed: number
  /** Machines, with node ids from 1. 3 when absent. */
  readonly nodes?: number
  /** How many of them form the cluster at the start, all as voters. All when absent; with 0 nobody founds it. */
  readonly founders?: number
  /** For requests that name no timeout of their own, in virtual milliseconds. 5,000 when absent. */
  readonly requestTimeoutMs?: number
  readonly network?: Partial<NetworkProfile>
}

export interface RouterDependencies {
  /** Something that no program of the user caught: the run is over. */
  readonly fail: (error: Error) => void
  /** A request of the user was refused with this, whether anybody awaits it or not. */
  readonly refused: (error: unknown) => void
  readonly trace: Trace
}

interface Invariant {
  readonly name: string
  readonly check: () => boolean | void
}

const DEFAULT_NODES = 3
const MAX_NODES = 32
const DEFAULT_REQUEST_TIMEOUT_MS = 5_000
const LOOK_INTERVAL_MS = 10
const FOUNDING_LIMIT_MS = 30_000
const SEGMENT_SIZE = 64 * 1024
const WHOLE_STATE = { start: new Uint8Array(0), end: null }

export class AspenRouter {
  readonly seed: number
  /** A stream of random numbers for the scenario itself. */
  readonly random: Random
  readonly nodeIds: readonly number[]
  readonly #options: RouterOptions
  readonly #profile: NetworkProfile
  readonly #dependencies: RouterDependencies
  readonly #scheduler = new Scheduler()
  readonly #network: SimNetwork
  readonly #machines: ReadonlyMap<number, SimMachine>
  readonly #nodes: ReadonlyMap<number, RemoteNode>
  readonly #programs: Programs
  readonly #invariants: Invariant[] = []
  readonly #troublemaker: Troublemaker
  #clients = 0

  constructor(options: RouterOptions, dependencies: RouterDependencies) {
    const { seed, nodes = DEFAULT_NODES, founders = nodes } = options
    checkWhole('nodes', nodes, 1, MAX_NODES)
    checkWhole('founders', founders, 0, nodes)
    if (options.requestTimeoutMs !== undefined) checkTimeout(options.requestTimeoutMs)
    this.seed = seed
    this.#options = options
    this.#dependencies = dependencies
    this.random = forkPrng(seed, 'scenario')
    this.nodeIds = Array.from({ length: nodes }, (_, i) => i + 1)
    const profile = changedNetwork(RELIABLE_NETWORK, options.network ?? {})
    this.#profile = profile
    this.#network = new SimNetwork(this.#scheduler, forkPrng(seed, 'network'), profile, (from, to, lane, bytes) => {
      const content = crc32(bytes).toString(16)
      this.#mix(Number.parseInt(to, 16), 'hears', `n${Number.parseInt(from, 16)}`, lane, String(bytes.length), content)
    })
    // Consensus survives what links rule out; a forwarded write relies on arriving once.
    this.#network.mayDouble = (bytes) => decodePeerMessage(bytes).type === 'raft'
    this.#machines = new Map(this.nodeIds.map((id) => [id, this.#machine(id)]))
    const latency = forkPrng(seed, 'clients')
    const latencyMs = (): number => 0.1 + (latency.nextUint32() % 1000) / 1000
    this.#nodes = new Map([...this.#machines].map(([id, machine]) => [id, new RemoteNode(machine, this.#scheduler, latencyMs)]))
    this.#programs = new Programs({
      seed,
      scheduler: this.#scheduler,
      fail: dependencies.fail,
      recorder: (who) => this.#recorder(who),
    })
    this.#troublemaker = new Troublemaker(this, forkPrng(seed, 'trouble'))
  }

  // --- Time ---

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#scheduler.now
  }

  async sleep(ms: number): Promise<void> {
    checkDelay('the time to sleep', ms)
    return new Promise((resolve) => void this.#scheduler.after(ms, resolve))
  }

  /** Runs `run` so many virtual milliseconds later. */
  after(ms: number, run: () => void): void {
    checkDelay('the time to wait', ms)
    this.#scheduler.after(ms, run)
  }

  /** Waits until `reached` gives true. @throws Error when it does not within so many virtual milliseconds */
  async until(what: string, withinMs: number, reached: () => boolean): Promise<void> {
    checkDelay('the time to wait', withinMs)
    const deadline = this.now + withinMs
    while (!reached()) {
      if (this.now >= deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.sleep(LOOK_INTERVAL_MS)
    }
  }

  /** Runs the next event, at `untilMs` at the latest; false when there was none. For whoever drives the router. */
  step(untilMs: number): boolean {
    return this.#scheduler.step(untilMs)
  }

  /** Everything that followed from the last event has happened. For whoever drives the router. */
  settled(): void {
    for (const { name, check } of this.#invariants) {
      try {
        if (check() === false) this.#dependencies.fail(new Error(`not always: ${name}`))
      } catch (error) {
        this.#dependencies.fail(new Error(`not always: ${name}: ${wordsOf(error)}`, { cause: error }))
      }
    }
  }

  /** The last line of the trace: how much has happened. For whoever drives the router. */
  ended(): void {
    this.#record(0, 'ends', `${this.#scheduler.executed} events`)
  }

  // --- Nodes ---

  /** A node as a client elsewhere sees it, through all of its lives. */
  node(nodeId: number): RemoteNode {
    return recorded(known(this.#nodes, nodeId), this.#recorder(`to n${nodeId}`))
  }

  /** A client that may ask any of these nodes, and asks another one when a request provably changed nothing. */
  client(nodeIds: readonly number[] = this.nodeIds): KeyValueStore {
    if (nodeIds.length === 0) throw new RangeError('a client of no nodes can ask nobody: name at least one')
    const number = ++this.#clients
    const client = new RoutedClient({
      nodes: nodeIds.map((id) => known(this.#nodes, id)),
      random: forkPrng(this.seed, `client ${number}`),
      now: () => this.now,
      sleep: (ms) => this.sleep(ms),
      timeoutMs: this.#options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    })
    return recorded(client, this.#recorder(`c${number}`))
  }

  isRunning(nodeId: number): boolean {
    return known(this.#machines, nodeId).life !== null
  }

  /** The node that leads the latest term, among those that run; null when none does. */
  get leader(): number | null {
    const leading = this.#services().filter(({ service }) => service.status().role === 'leader')
    const latest = leading.toSorted((a, b) => b.service.status().term - a.service.status().term)[0]
    return latest?.nodeId ?? null
  }

  /** What a node says about itself: its role, term, log and members. Null while it is down, or opens its data. */
  status(nodeId: number): NodeStatus | null {
    return known(this.#machines, nodeId).server?.service.status() ?? null
  }

  /** What a node holds by itself, in the order of its keys: it may be behind the others. Values as text. */
  contents(nodeId: number): ReadonlyMap<string, string> {
    const { state } = known(this.#machines, nodeId)
    if (state === null) throw new Error(`node ${nodeId} is down, or opens its data: nobody can look at what it holds`)
    const { rows } = state.scan(WHOLE_STATE, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    return new Map(rows.map(({ key, value }: KeyValue) => [utf8Decode(key) ?? '', utf8Decode(value) ?? '']))
  }

  /** Those that the leader counts as voters or learners; none while no node leads. */
  get members(): readonly number[] {
    const { leader } = this
    return leader === null ? [] : (this.status(leader)?.cluster.nodes.map(({ id }) => id) ?? [])
  }

  /** Waits until one node leads, and all members that run have applied what it has: one that was removed hears nothing more. */
  converged(withinMs = FOUNDING_LIMIT_MS): Promise<void> {
    return this.until('all members that run agree', withinMs, () => {
      const { leader } = this
      // After a restart all may agree on what their snapshots hold: only a leader knows how far the log goes.
      const goal = leader === null ? undefined : this.status(leader)?.lastLogIndex
      const running = this.members.filter((id) => this.isRunning(id))
      return goal !== undefined && running.every((id) => this.status(id)?.appliedIndex === goal)
    })
  }

  /** Runs on each of these nodes from now on, in each of its lives; on all nodes when none are named. */
  program(name: string, run: Program, nodeIds: readonly number[] = this.nodeIds): void {
    this.#programs.add(name, nodeIds, run)
    for (const id of nodeIds) {
      const { life, server } = known(this.#machines, id)
      if (life !== null && server !== null) this.#programs.startOne(name, id, { life, server })
    }
  }

  // --- Faults ---

  start(nodeId: number): void {
    known(this.#machines, nodeId).start()
    this.#record(nodeId, 'starts')
  }

  /** Ends the process of a node, between two events; a power cut also takes what its disks had not synced. */
  crash(nodeId: number, kind: CrashKind = 'killed'): void {
    known(this.#machines, nodeId).crash(checkCrashKind(kind))
    this.#record(nodeId, 'crashes', kind)
    known(this.#nodes, nodeId).crashed()
  }

  /** Nodes of different groups do not hear each other any more; those in none hear everybody. */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const id of groups.flat()) known(this.#machines, id)
    this.#record(0, 'partition', groups.map((group) => group.join(',')).join(' | '))
    for (const group of groups) for (const other of groups) if (group !== other) this.#cut(group, other)
  }

  isolate(nodeId: number): void {
    this.partition(
      [nodeId],
      this.nodeIds.filter((id) => id !== nodeId),
    )
  }

  /** Changes the network: latency, loss, duplication, reordering, bandwidth. */
  network(change: Partial<NetworkProfile>): void {
    this.#network.profile = changedNetwork(this.#network.profile, change)
  }

  /** Random faults from now on, until {@link AspenRouter.heal}. */
  trouble(trouble: Trouble): void {
    this.#troublemaker.begin(checkTrouble(trouble))
  }

  /** All paths work, the network is as it was at the start, and all nodes run. */
  heal(): void {
    this.#record(0, 'heals')
    this.#troublemaker.end()
    this.#network.healAll()
    this.#network.profile = this.#profile
    for (const id of this.nodeIds) if (!this.isRunning(id)) this.start(id)
  }

  /** A path between any two nodes is cut. */
  get isPartitioned(): boolean {
    return this.#network.cutPaths > 0
  }

  /** All paths work again; nodes that are down stay down. */
  reunite(): void {
    this.#network.healAll()
  }

  // --- Demands ---

  /** Checked after every event and all that follows from it: it fails the run when it gives false or throws. */
  always(name: string, check: () => boolean | void): void {
    this.#invariants.push({ name, check })
  }

  /** A line of the scenario's own in the trace. */
  note(text: string): void {
    this.#record(0, 'notes', text)
  }

  // --- Founding ---

  /** Starts all machines and forms the cluster. */
  async found(): Promise<void> {
    for (const id of this.nodeIds) this.start(id)
    const founders = this.nodeIds.slice(0, this.#options.founders ?? this.nodeIds.length)
    const [first] = founders
    if (first === undefined) return
    await this.until('all nodes are open', FOUNDING_LIMIT_MS, () => this.#services().length === this.nodeIds.length)
    const node = this.node(first)
    await node.init([first])
    await this.until('the founder leads', FOUNDING_LIMIT_MS, () => this.leader === first)
    for (const id of founders.slice(1)) await this.#insist(() => node.addLearner(id))
    if (founders.length > 1) await this.#insist(() => node.changeMembership({ members: founders }))
  }

  /** A learner may need a moment until it is known, or has caught up. */
  async #insist(ask: () => Promise<unknown>): Promise<void> {
    const deadline = this.now + FOUNDING_LIMIT_MS
    for (;;) {
      try {
        await ask()
        return
      } catch (error) {
        if (this.now >= deadline) throw error
      }
      await this.sleep(LOOK_INTERVAL_MS)
    }
  }

  #machine(nodeId: number): SimMachine {
    const failed = (_: SimMachine, error: Error): void =>
      this.#dependencies.fail(new Error(`node ${nodeId} stopped itself: ${error.message}`, { cause: error }))
    return new SimMachine({
      nodeId,
      seed: this.seed,
      scheduler: this.#scheduler,
      network: this.#network,
      segmentSize: SEGMENT_SIZE,
      peers: () => this.nodeIds.map((id) => simEndpointId(id)),
      settings: { requestTimeoutMs: this.#options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS },
      events: {
        opened: ({ life, server }) => {
          if (life !== null && server !== null) this.#programs.startAll(nodeId, { life, server })
        },
        refused: failed,
        failed,
        stopped: () => undefined,
      },
    })
  }

  #services(): { readonly nodeId: number; readonly service: NodeService }[] {
    return [...this.#machines.values()].flatMap(({ nodeId, server }) =>
      server === null ? [] : [{ nodeId, service: server.service }],
    )
  }

  #cut(from: readonly number[], to: readonly number[]): void {
    for (const a of from) {
      for (const b of to) this.#network.cut(known(this.#machines, a).endpointId, known(this.#machines, b).endpointId)
    }
  }

  /** Of the run, and no line for people: there are very many, and what they say are bytes. */
  #mix(nodeId: number, event: string, ...facts: readonly string[]): void {
    this.#dependencies.trace.mix(this.now, `n${nodeId}`, event, ...facts)
  }

  #recorder(who: string): Recorder {
    return {
      line: (event, text) => this.#dependencies.trace.record(this.now, who, event, text),
      refused: this.#dependencies.refused,
    }
  }

  #record(nodeId: number, event: string, ...facts: readonly string[]): void {
    this.#dependencies.trace.record(this.now, nodeId === 0 ? 'world' : `n${nodeId}`, event, ...facts)
  }
}

/** Time that is no number would never come. */
function checkDelay(what: string, ms: number): void {
  if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw new RangeError(`${what} is ${ms}: give milliseconds from 0`)
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${name} is ${value}: give a whole number from ${min} to ${max}`)
}

function known<T>(all: ReadonlyMap<number, T>, nodeId: number): T {
  const found = all.get(nodeId)
  if (found === undefined) throw new RangeError(`there is no node ${nodeId}: the ids are 1 to ${all.size}`)
  return found
}
