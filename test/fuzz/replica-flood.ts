/**
 * Whole replicas, and somebody who talks to one of them. Who is not a member, or speaks for another, changes nothing at
 * all: nor does a stranger with a member's id, whatever it answers or asks. One that says that it leads may have been elected
 * where this node was not (ADR 9): it is heard, as a member is. A member that lies can stop a node, for consensus trusts its members; it cannot make it acknowledge what it does
 * not hold, and nothing ends a node but its own assertions.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Disk, LogStore } from '../../src/ports/index.ts'
import { partOf } from '../../src/replica/message-part.ts'
import { openSegmentedLog } from '../../src/storage/index.ts'
import { decodePeerMessage, WireError } from '../../src/wire/index.ts'
import type { PeerMessage } from '../../src/wire/index.ts'
import { CLUSTER, endpointOf, envelope, HandPeer, World } from '../replica/world.ts'
import type { Node } from '../replica/world.ts'
import { flood, Tally } from './flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'
import { inventedMessage } from './peer-messages.ts'
import type { Target } from './peer-messages.ts'

/** What ends a node besides its assertions, and what only a lying member sets off. */
const PROVOKED: readonly RegExp[] = [
  // It offers a snapshot whose bytes it never sent.
  /^no snapshot at entry \d+ of term \d+ has arrived$/,
  // It is in the last term that a number can tell, and the others follow.
  /^9007199254740992 is not an integer/,
  // It leads, and commits what is no command.
  /^malformed envelope/,
]
const LIES_PER_WORLD = 100
const WRITE_TIMEOUT_MS = 5_000
/** Without a fault, two members of three agree on a leader well within this. */
const RECOVERY_MS = 30_000

/** A running cluster of three whose second member is somebody else, with the second's key. */
function infiltrated(claimedCluster: string | null): { world: World; nodes: Node[]; peer: HandPeer } {
  const world = new World()
  const nodes = world.cluster([1, 2, 3])
  nodes[1]?.crash()
  world.clock.settle()
  const peer = joined(world, nodes, new HandPeer(world, 2), claimedCluster)
  return { world, nodes, peer }
}

function joined(world: World, nodes: readonly Node[], peer: HandPeer, claimedCluster: string | null): HandPeer {
  peer.start(claimedCluster)
  for (const node of nodes) if (node.id !== 2) peer.transport.connect(endpointOf(node.id), node.member.addresses)
  world.clock.advance(30)
  return peer
}

/** What a liar has learned from what it was told. */
function targetOf(random: Random, peer: HandPeer, node: Node, wild: boolean): Target {
  let [incarnation, round] = [0, 0]
  for (const message of peer.received) {
    if (message.type !== 'raft' || !('incarnation' in message.message)) continue
    incarnation = message.message.incarnation
    if ('round' in message.message) round = message.message.round
  }
  peer.received.length = 0
  return { from: 2, to: node.id, view: node.replica.view, incarnation: chance(random, 0.5) ? incarnation : 1, round, wild }
}

function decoded(bytes: Uint8Array): PeerMessage | undefined {
  try {
    return decodePeerMessage(bytes)
  } catch (error) {
    assert.ok(error instanceof WireError, String(error))
    return undefined
  }
}

/** Whether member 2 may say this to `to`. */
function isItsOwn(message: PeerMessage, to: number): boolean {
  if (message.type === 'raft') return message.message.from === 2 && message.message.to === to
  return 'from' in message ? message.from === 2 : true
}

// --- Those who have no say ---

function outsideMessage(random: Random, target: Target): Uint8Array {
  const invented = inventedMessage(random, target) ?? randomBytes(random, 60)
  if (chance(random, 0.3)) return invented
  return chance(random, 0.1) ? randomBytes(random, 100) : mutateBytes(random, invented, invented)
}

const OUTSIDERS = ['stranger', 'of no cluster', 'for another', 'malformed'] as const

/** Who leads, campaigns or speaks for itself as a member is heard: that is the other flood. */
function isHeard(outsider: (typeof OUTSIDERS)[number], bytes: Uint8Array): boolean {
  const message = outsider === 'of no cluster' ? undefined : decoded(bytes)
  if (message === undefined || outsider === 'malformed') return message !== undefined
  const part = partOf(message)
  return isItsOwn(message, 1) && (outsider === 'for another' || part === 'lead' || part === 'campaign')
}

function outsidersRound(random: Random, count: number, tally: Tally): void {
  const outsider = pick(random, OUTSIDERS)
  const { world, nodes, peer } = infiltrated(outsider === 'of no cluster' ? null : CLUSTER)
  const [node, , third] = nodes as [Node, Node, Node]
  const speaker = outsider === 'stranger' ? joined(world, nodes, new HandPeer(world, 2, 77), CLUSTER) : peer
  third.crash()
  world.clock.settle()
  const outcomes: string[] = []
  node.write('pending', outcomes)
  world.clock.settle()
  const before = facts(node)
  for (let i = 0; i < count; i++) {
    const from = outsider === 'for another' ? 3 : 2
    const target = {
      ...targetOf(random, speaker, node, false),
      from,
      to: outsider === 'for another' && chance(random, 0.3) ? 3 : 1,
    }
    const bytes = outsideMessage(random, target)
    if (isHeard(outsider, bytes)) continue
    assert.ok(speaker.transport.send(endpointOf(1), [bytes], pick(random, ['bulk', 'priority'])))
    world.clock.settle()
    assert.deepEqual(facts(node), before, `${outsider}: ${Buffer.from(bytes).toString('hex')}`)
    tally.add(outsider)
  }
  assert.deepEqual([outcomes, node.fatal], [[], []])
  third.start()
  third.transport.connect(endpointOf(1), node.member.addresses)
  world.clock.until(() => outcomes.length > 0, 'the pending write is decided', RECOVERY_MS)
  assert.deepEqual(outcomes, ['ok'])
}

/** Everything of a node that a message could change. */
function facts({ replica }: Node): unknown {
  const { turns: _turns, counters, ...rest } = replica.view
  return { ...rest, counters: { ...counters } }
}

export async function floodOutsiders(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, { inputs, perRound: 500, round: (random, count) => outsidersRound(random, count, tally) })
  context.diagnostic(String(tally))
}

// --- A member that lies ---

interface Acknowledged {
  readonly key: string
  readonly index: number
  /** Whether a leader has cut the node's log since: a liar that leads can put an entry of its own under the same term and index. */
  readonly cut: boolean
}

function openLog(disk: Disk): LogStore {
  return openSegmentedLog(disk, { storeId: 'ab'.repeat(16), segmentSize: 4096 })
}

/** Writes on a node while it leads, and what it acknowledged. */
class Writer {
  readonly acknowledged: Acknowledged[] = []
  readonly #node: Node
  readonly #world: World
  #writes = 0

  constructor(world: World, node: Node) {
    this.#world = world
    this.#node = node
  }

  write(): void {
    const { replica } = this.#node
    // Elsewhere a leader answers, and a lying one says what it likes.
    if (replica.view.role !== 'leader') return
    const key = `key ${++this.#writes}`
    const { truncations } = replica.view.counters
    replica.write(envelope(key), this.#world.clock.now() + WRITE_TIMEOUT_MS, (error, result) => {
      if (error !== undefined) return
      const index = result?.logId.index ?? 0
      assert.ok(index > 0 && index <= replica.view.commitIndex, 'acknowledged before it was committed')
      assert.equal(replica.view.poisoned, null, 'acknowledged by a node that has stopped')
      this.acknowledged.push({ key, index, cut: replica.view.counters.truncations > truncations })
    })
  }

  /** Every acknowledged write is in the log on the disk, at its place. */
  check(): void {
    const log = openLog(this.#node.logDisk)
    const { purged, entries } = log.recovered
    for (const { key, index, cut } of this.acknowledged) {
      if (index <= purged.index || cut) continue
      assert.ok(index <= purged.index + entries.length, `write ${index} was acknowledged and is not in the log`)
      log.read(index, index, 1, (error, [entry]) => {
        assert.equal(error, undefined)
        assert.deepEqual(
          Buffer.from(entry?.payload ?? []),
          Buffer.from(envelope(key)),
          `write ${index} was acknowledged and is another now`,
        )
      })
      this.#world.clock.settle()
    }
    assert.equal(new Set(this.acknowledged.map(({ index }) => index)).size, this.acknowledged.length, 'two writes have one place')
  }
}

function noteFaults(nodes: readonly Node[], tally: Tally, faults: Tally): boolean {
  const errors = nodes.flatMap(({ fatal }) => fatal)
  for (const error of errors) {
    faults.add(`${error.name}: ${error.message.replaceAll(/\d+/g, 'N').replaceAll(/[0-9a-f]{16,}/g, 'HEX')}`)
    if (error.name !== 'AssertionError' && !PROVOKED.some((known) => known.test(error.message)))
      throw new Error(`a node ended over ${String(error.stack)}`, { cause: error })
  }
  if (errors.length > 0) tally.add('worlds that stopped a node')
  return errors.length > 0
}

/** One cluster until a node has stopped, or for `most` lies. Returns how many there were. */
function liarWorld(random: Random, most: number, tally: Tally, faults: Tally): number {
  const { world, nodes, peer } = infiltrated(CLUSTER)
  const honest = [nodes[0], nodes[2]] as [Node, Node]
  const writer = new Writer(world, honest[0])
  const wild = chance(random, 0.2)
  let lies = 0
  while (lies < most && honest.every(({ fatal }) => fatal.length === 0)) {
    const node = chance(random, 0.8) ? honest[0] : honest[1]
    const invented = inventedMessage(random, targetOf(random, peer, node, wild)) ?? randomBytes(random, 60)
    const bytes = chance(random, 0.2) ? mutateBytes(random, invented, invented) : invented
    peer.transport.send(endpointOf(node.id), [bytes], pick(random, ['bulk', 'priority']))
    if (chance(random, 0.3)) writer.write()
    if (chance(random, 0.5)) world.clock.settle()
    if (chance(random, 0.1)) world.clock.advance(randomBetween(random, 1, 100))
    lies++
  }
  world.clock.settle()
  const stopped = noteFaults(honest, tally, faults)
  peer.transport.crash()
  if (!stopped && !wild) assertRecovers(world, honest, tally, faults)
  for (const node of honest) node.crash()
  for (const { cut } of writer.acknowledged) tally.add(cut ? 'writes acknowledged after a liar led' : 'acknowledged writes')
  writer.check()
  return lies
}

/** The terms of the entries on a node's disk, by index. */
function termsOn({ logDisk }: Node): Map<number, number> {
  const { recovered } = openLog(logDisk)
  return new Map(recovered.entries.map(({ index, term }) => [index, term]))
}

/** Whether one holds as committed what the other holds differently: a vote for an entry was a lie. */
function isSplit(honest: readonly [Node, Node]): boolean {
  const [a, b] = honest.map(termsOn) as [Map<number, number>, Map<number, number>]
  const commit = Math.max(...honest.map(({ replica }) => replica.view.commitIndex))
  return [...a].some(([index, term]) => index <= commit && b.has(index) && b.get(index) !== term)
}

/** Without the liar the others go on, unless one of them finds out what it was made to believe. */
function assertRecovers(world: World, honest: readonly [Node, Node], tally: Tally, faults: Tally): void {
  const outcomes: string[] = []
  const deadline = world.clock.now() + RECOVERY_MS
  while (world.clock.now() < deadline && !outcomes.includes('ok') && honest.every(({ fatal }) => fatal.length === 0)) {
    for (const node of honest) node.write('after', outcomes, world.clock.now() + 1000)
    world.clock.advance(500)
  }
  if (noteFaults(honest, tally, faults)) return
  if (outcomes.includes('ok')) tally.add('worlds that went on')
  else {
    assert.ok(isSplit(honest), `nobody takes writes any more: ${outcomes.at(-1)} ${JSON.stringify(honest.map(facts))}`)
    tally.add('worlds that were split')
  }
}

export async function floodLies(context: TestContext, inputs: number): Promise<void> {
  const [tally, faults] = [new Tally(), new Tally()]
  await flood(context, {
    inputs,
    perRound: 500,
    round: (random, count) => {
      for (let left = count; left > 0;) left -= liarWorld(random, Math.min(left, LIES_PER_WORLD), tally, faults)
    },
  })
  context.diagnostic(String(tally))
  context.diagnostic(`what a lying member has set off: ${String(faults)}`)
  for (const what of ['acknowledged writes', 'worlds that went on']) assert.ok(tally.count(what) > 0, String(tally))
}
