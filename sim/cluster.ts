/** Whole replicas in one process: machines on a network, watched after every step. */
import { administration } from '../src/node/index.ts'
import { LANGUAGE } from '../src/commands/index.ts'
import type { Language } from '../src/commands/index.ts'
import { randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import { MAX_SNAPSHOT_SIZE } from '../src/limits.ts'
import { DiskError, isVolumeFull } from '../src/storage/disk/index.ts'
import { decodePeerMessage } from '../src/wire/index.ts'
import { noCounts } from './cluster-counters.ts'
import type { ClusterCounters } from './cluster-counters.ts'
import { SafetyChecker, SafetyViolation } from './invariants.ts'
import { LivenessViolation } from './liveness.ts'
import type { EntryIdentity } from './invariants.ts'
import { forkPrng, Scheduler, SimNetwork, Trace } from '../src/simulation/index.ts'
import type { CrashKind, DiskFailure } from '../src/simulation/index.ts'
import { isDivergence } from './planted-damage.ts'
import type { Sabotage } from './sabotage.ts'
import { idOfEndpoint, SimNode } from './sim-node.ts'
import { Turns } from './turns.ts'
import type { Weather } from './weather.ts'

export type { ClusterCounters }

export interface SimClusterOptions {
  readonly seed: number
  readonly weather: Weather
  readonly sabotage?: Sabotage
  readonly trustsDisks?: boolean
  /** Lines of the trace to keep. */
  readonly keepLines?: number
}

const ADMIN_PATIENCE_MS = 2000
/** A run of a few virtual seconds takes ten thousands; a long one has so many more for each millisecond. */
const MAX_EVENTS = 400_000
const MAX_EVENTS_PER_MS = 200
/** How long a program takes to exit after its node has failed. */
const MAX_EXIT_MS = 30
/** The longest that a write takes to be reported, stalls included. */
const POISON_PATIENCE_MS = 3000
/** Errors are wrapped a few times at most. */
const MAX_CAUSES = 5

export class SimCluster {
  readonly scheduler = new Scheduler()
  readonly trace: Trace
  readonly checker: SafetyChecker
  readonly network: SimNetwork
  readonly nodes: readonly SimNode[]
  readonly counters: ClusterCounters = noCounts()
  readonly weather: Weather
  readonly clusterId: string = '0123456789abcdef0123456789abcdef'
  /** What events wait for, in a run by {@link SimCluster.pass}. */
  readonly turns = new Turns()
  /** The store is said to be as large as its quota. */
  quotaReached = false
  /** The node whose state is damaged on purpose: it may stop for it. */
  planted: SimNode | null = null
  /** A node that ends because it failed is started again, as by a service manager. */
  supervised = false
  /** Called when a node has lost its disks and waits, under a new key, to be taken in again. */
  onStranger: (node: SimNode) => void = () => undefined
  /** What the program can apply that a node starts. */
  languageOf: (node: SimNode) => Language = () => LANGUAGE
  /** Called when the process of a node ends, before it is gone. */
  onCrash: (node: SimNode) => void = () => undefined
  /** Called when the replica of a node has made sense of its disks. */
  onOpened: (node: SimNode) => void = () => undefined
  readonly #founders: number
  readonly #random: Random

  constructor(options: SimClusterOptions) {
    const { seed, weather, sabotage = 'none', trustsDisks = true } = options
    this.weather = weather
    this.#random = forkPrng(seed, 'cluster')
    this.trace = new Trace(options.keepLines)
    this.checker = new SafetyChecker(trustsDisks)
    this.#founders = weather.founders
    const network = { ...weather.network, missedHint: weather.missedHint }
    this.network = new SimNetwork(this.scheduler, forkPrng(seed, 'network'), network, (from, to, lane, bytes) => {
      this.trace.record(this.scheduler.now, `n${idOfEndpoint(to)}`, 'hears', idOfEndpoint(from), lane, bytes.length)
      this.trace.note(() => describeMessage(bytes))
    })
    // Consensus survives what links rule out; a forwarded write relies on arriving once.
    this.network.mayDouble = (bytes) => decodePeerMessage(bytes).type === 'raft'
    const ids = Array.from({ length: weather.founders + weather.spares }, (_, i) => i + 1)
    this.nodes = ids.map((id) => this.#createNode(id, seed, sabotage))
  }

  #createNode(id: number, seed: number, sabotage: Sabotage): SimNode {
    const { scheduler, network, checker, weather } = this
    return new SimNode({
      id,
      seed,
      scheduler,
      network,
      checker,
      disk: weather.disk,
      sabotage,
      retainedEntries: weather.retainedEntries,
      checkpointIntervalEntries: weather.checkpointIntervalEntries,
      tightBounds: weather.tightBounds,
      clockDrift: weather.clockDrift,
      language: (node) => this.languageOf(node),
      ballastBytes: () => (this.quotaReached ? MAX_SNAPSHOT_SIZE : 0),
      peers: () => this.nodes.map(({ endpointId }) => endpointId),
      afterEvent: (node) => this.#observe(node),
      onFatal: (node, error) => this.#fatal(node, error),
      onRefused: (node, error) => this.#refused(node, error),
      onOpened: (node) => {
        if (node.damaged) this.counters.startsDespiteFlips++
        this.onOpened(node)
      },
      onStopped: (node) => this.#stopped(node),
      onAnswer: () => this.turns.ask(),
      clusterId: this.clusterId,
      onDiskFailure: (node, failure) => this.#diskFailed(node, failure),
      onViolation: (property, message) => this.violate(property, message),
    })
  }

  get running(): SimNode[] {
    return this.nodes.filter(({ life }) => life !== null)
  }

  /** The node that leads the latest term, as far as one does. */
  get leader(): SimNode | undefined {
    const leaders = this.running.filter(({ replica }) => replica?.view.role === 'leader')
    return leaders.toSorted((a, b) => (b.replica?.view.term ?? 0) - (a.replica?.view.term ?? 0))[0]
  }

  start(node: SimNode): void {
    this.note(node, 'starts')
    node.start()
    if (node.life?.drifts === true) this.counters.driftingClocks++
    this.#observe(node)
  }

  /** Writes into the trace what happens to a node. */
  note(node: SimNode, event: string, ...facts: readonly (string | number)[]): void {
    this.trace.record(this.scheduler.now, `n${node.id}`, event, ...facts)
  }

  /** A promise was broken where an error would be taken for one of the node's own: the run ends at its next event. */
  violate(property: string, message: string): void {
    this.scheduler.after(0, () => {
      throw new SafetyViolation(property, message)
    })
  }

  pause(node: SimNode): void {
    this.note(node, 'pauses')
    this.counters.pauses++
    node.pause()
  }

  resume(node: SimNode): void {
    const { life, replica } = node
    if (life?.paused !== true) return
    const { leader } = this
    this.note(node, 'wakes')
    // It still believes that it leads, and the others have chosen another meanwhile.
    const overruled = (leader?.replica?.view.term ?? 0) > (replica?.view.term ?? 0)
    if (replica?.view.role === 'leader' && overruled) this.counters.oldLeadersWoken++
    life.resume()
  }

  stop(node: SimNode): void {
    if (node.stopping || node.replica === null) return
    this.note(node, 'stops')
    this.counters.orderlyStops++
    if (node === this.leader) this.counters.stopsOfLeaders++
    node.stop()
  }

  /** The replica of a node ends, and begins anew under the same links. */
  restartReplica(node: SimNode): void {
    if (node.stopping || node.replica === null || node.poisoned) return
    this.note(node, 'opens its replica again')
    this.collect(node)
    node.restartReplica(() => {
      this.note(node, 'has its replica again')
      this.counters.replicaRestarts++
    })
  }

  /** An operator starts a replica that has failed, and does not wait for its pause to end. */
  bringBack(node: SimNode): void {
    if (node.server === null || node.stopping || node.poisoned) return
    this.note(node, 'is brought back')
    node.restartReplica(() => undefined)
  }

  /** The replica of a node meets a fault that its process survives: it is opened again behind a pause, or a breaker. */
  failReplica(node: SimNode, effects: number | null): void {
    if (node.stopping || node.replica === null || node.poisoned) return
    this.note(node, 'loses its replica', effects ?? 'at once')
    this.counters.replicaFailures++
    this.collect(node)
    node.failReplica(new Error('a planted fault'), effects)
  }

  /** A machine gets new, empty disks: it crashes if it runs, and is another node from now on. */
  loseDisks(node: SimNode): void {
    if (node.life !== null) this.crash(node, 'power-cut')
    this.note(node, 'loses its disks')
    this.counters.disksLost++
    node.loseDisks()
    this.onStranger(node)
  }

  /** Crashes a node in the middle of what it does next: after so many of its effects on disk or network. */
  crashWithin(node: SimNode, kind: CrashKind, effects: number): void {
    const { life } = node
    life?.lightFuse(effects, () => {
      this.counters.crashesBetweenEffects++
      this.crash(node, kind)
    })
  }

  crash(node: SimNode, kind: CrashKind): void {
    this.note(node, 'crashes', kind)
    this.counters.crashes++
    if ((node.replica?.view.membership.outgoing.length ?? 0) > 0) this.counters.jointChangesCutByCrash++
    this.collect(node)
    this.onCrash(node)
    node.crash(kind)
  }

  /** Goes one step towards a cluster of all founders: node 1 begins alone, adds the others, and makes them voters. True when it is done. */
  found(): boolean {
    const [founder] = this.nodes
    const { replica = null, life = null, server = null } = founder ?? {}
    if (founder === undefined || replica === null || life === null || server === null) return false
    const reply = (): void => undefined
    const deadline = life.clock.now() + ADMIN_PATIENCE_MS
    const { members, voters } = replica.view.membership
    const wanted = this.nodes.slice(0, this.#founders).map(({ id }) => id)
    if (members.length === 0) {
      const self = { id: 1, endpointId: founder.endpointId, addresses: server.service.status().addresses }
      founder.send({ type: 'Init', voters: [1], clusterId: this.clusterId, self, deadline, reply })
      return false
    }
    const missing = wanted.find((id) => !members.some((member) => member.id === id))
    if (missing !== undefined) {
      const request = { op: 'add-learner', nodeId: missing, endpointId: null } as const
      founder.send(administration(request, deadline, reply))
    } else if (voters.length < wanted.length) {
      const request = { op: 'change-membership', members: wanted, learners: null } as const
      founder.send(administration(request, deadline, reply))
    }
    return missing === undefined && voters.length === wanted.length && this.checker.lastCommitted > 0
  }

  /** Events one after the other. What goes on in promises stands still meanwhile. */
  run(ms: number): void {
    const until = this.scheduler.now + ms
    while (this.#step(until));
  }

  /** Events one after the other, each with all that promises make of it. */
  async pass(ms: number): Promise<void> {
    const until = this.scheduler.now + ms
    do {
      if (this.turns.due) await this.turns.take()
    } while (this.#step(until))
  }

  /** Adds what a node's core has counted in this life. */
  collect(node: SimNode): void {
    const view = node.replica?.view
    if (view === undefined) return
    const { counters, purgedIndex } = view
    this.counters.leaderChanges += counters.leaderChanges
    this.counters.splitVotes += counters.electionsLost
    this.counters.longTruncations += counters.longTruncations
    this.counters.conflictingSnapshots += counters.conflictingSnapshots
    this.counters.fullWindows += counters.fullWindows
    this.counters.reminders += counters.reminders
    this.counters.snapshotsInstalled += counters.snapshotsRestored
    this.counters.clamps += counters.clamps
    if (purgedIndex > 0) this.counters.livesWithPurges++
    this.counters.writesRefusedForSpace += view.disk?.refusedWrites ?? 0
    const { slowed, queued, missedHints } = this.network.counters
    Object.assign(this.counters, { slowedMessages: slowed, queuedMessages: queued, missedHints })
  }

  committedAt(index: number): EntryIdentity | undefined {
    return this.checker.committedAt(index)
  }

  #step(until: number): boolean {
    const { executed, now } = this.scheduler
    if (executed > MAX_EVENTS + MAX_EVENTS_PER_MS * now)
      throw new LivenessViolation(`${executed} events were not enough for ${now} ms: the cluster runs in circles`)
    return this.scheduler.step(until)
  }

  #observe(node: SimNode): void {
    const { replica } = node
    if (replica === null) return
    const { role, term, commitIndex, digests } = replica.view
    if (digests.disputedIndex !== null && this.planted === null)
      this.violate('equal states', `node ${node.id} has heard of different states after entry ${digests.disputedIndex}`)
    const termAt = (index: number): number | undefined => replica.termAt(index)
    if (role === 'leader') this.checker.leads(node.id, term, termAt, node.endpointId)
    this.checker.commits(node.id, commitIndex, role === 'leader' ? term : null, termAt)
  }

  /** A node may fail because its disk did, or its state was damaged on purpose, and for no other reason. */
  #fatal(node: SimNode, error: Error): void {
    const isPlanted = node === this.planted && isDivergence(error)
    if (isPlanted) {
      this.counters.divergedNodes++
      node.misread = (entry) => entry
    }
    if (causesOf(error).some((cause) => cause instanceof SafetyViolation) || !(isPlanted || isDiskFailure(error))) {
      throw new Error(`node ${node.id} poisoned itself: ${error.message}`, { cause: error })
    }
    this.note(node, 'is poisoned')
    this.counters.poisonedNodes++
    const { life } = node
    this.scheduler.after(randomBetween(this.#random, 0, MAX_EXIT_MS), () => {
      if (life === null || node.life !== life) return
      this.crash(node, 'killed')
      if (this.supervised) this.start(node)
    })
  }

  /** At its start a node may refuse damaged disks, and fail for want of room. */
  #refused(node: SimNode, error: Error): void {
    if (isDiskFailure(error)) {
      this.note(node, 'cannot start')
      this.counters.startsOnFailingDisks++
      return
    }
    if (!node.damaged || error instanceof SafetyViolation) throw error
    this.note(node, 'refuses its disks', error.name)
    this.counters.refusedStarts++
    this.loseDisks(node)
  }

  #stopped(node: SimNode): void {
    this.note(node, 'has stopped')
    this.collect(node)
    this.onCrash(node)
    node.crash('killed')
  }

  /** Who was told that a write of its log is not durable must not go on. */
  #diskFailed(node: SimNode, { code, durable, disk }: DiskFailure & { readonly disk: string }): void {
    this.note(node, 'disk fails', disk, code)
    if (code === 'ENOSPC') this.counters.writesWithoutRoom++
    else this.counters.failedWrites++
    const { life, replica } = node
    if (!durable || disk !== 'log' || life === null || replica === null || node.stopping) return
    const check = (): void => {
      if (!life.alive || node.stopping || node.poisoned) return
      if (life.paused) this.scheduler.after(POISON_PATIENCE_MS, check)
      else this.violate('failed writes are final', `node ${node.id} goes on after a failed write of its log`)
    }
    this.scheduler.after(POISON_PATIENCE_MS, check)
  }
}

function causesOf(error: Error): Error[] {
  const causes: Error[] = []
  let current: unknown = error
  while (current instanceof Error && causes.length < MAX_CAUSES) {
    causes.push(current)
    current = current.cause
  }
  return causes
}

function isDiskFailure(error: Error): boolean {
  return isVolumeFull(error) || causesOf(error).some((cause) => cause instanceof DiskError)
}

function describeMessage(bytes: Uint8Array): string {
  return JSON.stringify(decodePeerMessage(bytes), (name, value: unknown) => {
    if (value instanceof Uint8Array) return `${value.length} bytes`
    return name === 'members' ? undefined : value
  })
}
