/**
 * The consensus core alone: a leader and two followers in one process, whose disk and network take no time. What is left
 * is what agreement itself costs. `n` in flight means that n entries are proposed, then all of them are committed.
 */
import { assert, Prng } from '../src/lib/index.ts'
import { EMPTY_MEMBERSHIP, Raft } from '../src/raft/index.ts'
import type { Effects, Entry, Member, Message } from '../src/raft/index.ts'
import { measure, repeatFor } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { payloadOf } from './workload.ts'

const IDS = [1, 2, 3] as const
const IN_FLIGHT = [1, 64, 1024] as const
const TIMINGS = { heartbeatIntervalMs: 500, electionTimeoutMinMs: 1500, electionTimeoutMaxMs: 3000 }
/** Entries a node keeps before it drops those that are applied. */
const MAX_KEPT = 16_384
/** Steps of three nodes until a commit is known everywhere; many more mean that the cluster never comes to rest. */
const MAX_STEPS = 1000

interface CoreNode {
  readonly raft: Raft
  /** The entries after `purged`. */
  log: Entry[]
  purged: number
  applied: number
}

function memberOf(id: number): Member {
  return { id, endpointId: String(id).padStart(64, '0'), addresses: [] }
}

function createNode(id: number): CoreNode {
  const options = {
    id,
    endpointId: memberOf(id).endpointId,
    timings: TIMINGS,
    random: new Prng(id),
    incarnation: id,
    // The payload of the founding entry: nobody decodes it here.
    encodeMembership: () => new Uint8Array(8),
  }
  const nothing = {
    term: 0,
    votedFor: null,
    purged: { term: 0, index: 0 },
    entries: [],
    memberships: [{ index: 0, membership: EMPTY_MEMBERSHIP }],
    applied: 0,
  }
  return { raft: new Raft(options, nothing, 0), log: [], purged: 0, applied: 0 }
}

/** Puts the entries into an append, as the shell does before the message leaves. */
function complete(node: CoreNode, message: Message): Message {
  if (message.type !== 'append' || message.count === 0) return message
  const first = message.prev.index - node.purged
  return { ...message, entries: node.log.slice(first, first + message.count) }
}

/** Carries out one batch of effects: everything is durable at once, and applying is counting. */
function carryOut(node: CoreNode, effects: Effects, wire: Message[]): void {
  const { persist, send, sendOncePersisted, apply } = effects
  if (persist !== undefined) {
    assert(persist.truncateFrom === undefined, 'nothing is lost here, so nothing is cut')
    for (const entry of persist.append) node.log.push(entry)
  }
  for (const message of send) wire.push(complete(node, message))
  if (persist !== undefined) node.raft.persisted(effects.id)
  for (const message of sendOncePersisted) wire.push(message)
  if (apply !== undefined) node.applied = apply.last
}

function purge(node: CoreNode): void {
  if (node.log.length < MAX_KEPT) return
  node.log = node.log.slice(node.applied - node.purged)
  node.purged = node.applied
  node.raft.purged(node.applied)
}

export interface CoreCluster {
  /** Proposes entries on the leader and returns when they are committed there. */
  commit(count: number): void
}

/** @throws AssertionError when the cluster elects nobody, or an entry is not committed */
export function createCoreCluster(): CoreCluster {
  const nodes = new Map(IDS.map((id) => [id as number, createNode(id)]))
  const leader = nodes.get(1) as CoreNode
  let wire: Message[] = []
  const settle = (): void => {
    for (let step = 0; step < MAX_STEPS; step++) {
      let moved = false
      for (const node of nodes.values()) {
        for (let effects = node.raft.take(); effects !== undefined; effects = node.raft.take()) {
          carryOut(node, effects, wire)
          moved = true
        }
      }
      if (!moved && wire.length === 0) return
      const arriving = wire
      wire = []
      for (const message of arriving) nodes.get(message.to)?.raft.step(message)
    }
    assert(false, `the cluster did not come to rest in ${MAX_STEPS} steps`)
  }
  leader.raft.bootstrap(IDS.map(memberOf))
  settle()
  assert(leader.raft.role === 'leader', 'node 1 founded the cluster and has to lead it')
  let proposed = 0
  return {
    commit(count) {
      for (let i = 0; i < count; i++) leader.raft.propose(payloadOf(proposed++))
      settle()
      assert(leader.applied === leader.raft.lastLog.index, `applied ${leader.applied} of ${leader.raft.lastLog.index} entries`)
      for (const node of nodes.values()) purge(node)
    },
  }
}

export async function benchmarkCore(budget: Budget, report: Report): Promise<void> {
  for (const inFlight of IN_FLIGHT) {
    const cluster = createCoreCluster()
    const point = { benchmark: 'core', point: `3 nodes, ${inFlight} in flight`, unit: 'entries' }
    const run = (durationMs: number) =>
      repeatFor(durationMs, () => {
        cluster.commit(inFlight)
        return inFlight
      })
    report(await measure(budget, point, run))
  }
}
