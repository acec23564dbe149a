/**
 * Whole replicas, and somebody who talks to one of them. Who is not a member, or speaks for another, changes nothing at
 * all: nor does a stranger with a member's id, whatever it answers or asks. One that says that it leads may have been elected
 * where this node was not (ADR 9): it is heard, as a member is, and answers what it is asked as a leader. Whoever is heard and lies
 * can stop a node, for consensus trusts its members; it cannot make it acknowledge what it does not hold, and nothing ends a node
 * but its own assertions. What counts towards a quorum is never taken from a stranger, though it leads.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { AssertionError, chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { allVoters, isVoterAs } from '../../src/raft/index.ts'
import type { Message } from '../../src/raft/index.ts'
import { partOf } from '../../src/replica/peers/message-part.ts'
import { decodePeerMessage, LaterAppendError, WireError } from '../../src/wire/index.ts'
import type { PeerMessage } from '../../src/wire/index.ts'
import { CLUSTER, endpointOf, HandPeer, World } from '../replica/world.ts'
import type { Node } from '../replica/world.ts'
import { flood, Tally } from './flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'
import { inventedMessage } from './peer-messages.ts'
import type { Target } from './peer-messages.ts'
import { openLog, ReplicaClient } from './replica-client.ts'

/** What ends a node besides its assertions, and what only a lying member sets off. */
const PROVOKED: readonly RegExp[] = [
  // It offers a snapshot whose bytes it never sent.
  /^no snapshot at entry \d+ of term \d+ has arrived$/,
  // It is in the last term that a number can tell, and the others follow.
  /^9007199254740992 is not an integer/,
  // It leads, and commits what is no command.
  /^malformed envelope/,
  // A member that leads is believed about what it replicates, up to what this program cannot know.
  /needs version \d+ of the commands/,
]
/** What ends a leader that believes member 2: a stranger's acknowledgements under that id are not taken. */
const OF_A_MEMBER = /^node 2 acknowledges entry/
const LIES_PER_WORLD = 100
/** The holder of a key that the configuration binds to nobody. */
const STRANGER = 77
/** Without a fault, two members of three agree on a leader well within this. */
const RECOVERY_MS = 30_000

/** A running cluster of three whose second member is somebody else, with the second's key or with that of `holder`. */
function infiltrated(claimedCluster: string | null, holder = 2): { world: World; nodes: Node[]; peer: HandPeer } {
  const world = new World()
  const nodes = world.cluster([1, 2, 3])
  nodes[1]?.crash()
  world.clock.settle()
  const peer = joined(world, nodes, new HandPeer(world, 2, holder), claimedCluster)
  return { world, nodes, peer }
}

function joined(world: World, nodes: readonly Node[], peer: HandPeer, claimedCluster: string | null): HandPeer {
  peer.start(claimedCluster)
  for (const node of nodes) if (node.id !== 2) peer.connect(node)
  world.clock.advance(30)
  return peer
}

/** What a liar has learned from what it was told. */
class Ear {
  readonly #peer: HandPeer
  #incarnation = 0
  #round = 0
  #context = 0
  #forwarded = 0

  constructor(peer: HandPeer) {
    this.#peer = peer
  }

  targetOf(random: Random, node: Node, wild: boolean): Target {
    this.#listen()
    const incarnation = chance(random, 0.5) ? this.#incarnation : 1
    const [round, context, forwarded] = [this.#round, this.#context, this.#forwarded]
    return { from: 2, to: node.id, view: node.replica.view, incarnation, round, context, forwarded, wild }
  }

  #listen(): void {
    for (const message of this.#peer.received) {
      if (message.type === 'forward') this.#forwarded = message.id
      if (message.type === 'raft') this.#hearRaft(message.message)
    }
    this.#peer.received.length = 0
  }

  #hearRaft(message: Message): void {
    if ('incarnation' in message) this.#incarnation = message.incarnation
    if ('round' in message) this.#round = message.round
    if (message.type === 'read-index') this.#context = message.context
  }
}

function decoded(bytes: Uint8Array): PeerMessage | undefined {
  try {
    return decodePeerMessage(bytes)
  } catch (error) {
    assert.ok(error instanceof WireError, String(error))
    return undefined
  }
}

/** A leader says something that only a later version can know: that stops a node, and tests of the border have it. */
function needsLaterVersion(bytes: Uint8Array): boolean {
  try {
    decodePeerMessage(bytes)
  } catch (error) {
    return error instanceof LaterAppendError
  }
  return false
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

/** Who leads, campaigns or speaks for itself as a member is heard: that is the other flood, whose liars are strangers too. */
function isHeard(outsider: (typeof OUTSIDERS)[number], bytes: Uint8Array): boolean {
  if (needsLaterVersion(bytes)) return true
  const message = outsider === 'of no cluster' ? undefined : decoded(bytes)
  if (message === undefined || outsider === 'malformed') return message !== undefined
  const part = partOf(message)
  return isItsOwn(message, 1) && (outsider === 'for another' || part === 'lead' || part === 'campaign')
}

function outsidersRound(random: Random, count: number, tally: Tally): void {
  const outsider = pick(random, OUTSIDERS)
  const { world, nodes, peer } = infiltrated(outsider === 'of no cluster' ? null : CLUSTER)
  const [node, , third] = nodes as [Node, Node, Node]
  const speaker = outsider === 'stranger' ? joined(world, nodes, new HandPeer(world, 2, STRANGER), CLUSTER) : peer
  third.crash()
  world.clock.settle()
  const ear = new Ear(speaker)
  const outcomes: string[] = []
  node.write('pending', outcomes)
  world.clock.settle()
  const before = facts(node)
  for (let i = 0; i < count; i++) {
    const from = outsider === 'for another' ? 3 : 2
    const target = {
      ...ear.targetOf(random, node, false),
      from,
      to: outsider === 'for another' && chance(random, 0.3) ? 3 : 1,
    }
    const bytes = outsideMessage(random, target)
    if (isHeard(outsider, bytes)) continue
    assert.ok(speaker.channel.send(endpointOf(1), [bytes], pick(random, ['bulk', 'priority'])))
    world.clock.settle()
    assert.deepEqual(facts(node), before, `${outsider}: ${Buffer.from(bytes).toString('hex')}`)
    tally.add(outsider)
  }
  assert.deepEqual([outcomes, node.fatal], [[], []])
  third.start()
  third.connect(node)
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

function noteFaults(kind: Liar, nodes: readonly Node[], tally: Tally, faults: Tally): boolean {
  const errors = nodes.flatMap(({ fatal }) => fatal)
  for (const error of errors) {
    faults.add(`${error.name}: ${error.message.replaceAll(/\d+/g, 'N').replaceAll(/[0-9a-f]{16,}/g, 'HEX')}`)
    if (!(error instanceof AssertionError) && !PROVOKED.some((known) => known.test(error.message)))
      throw new Error(`a node ended over ${String(error.stack)}`, { cause: error })
    assert.ok(kind === 'member' || !OF_A_MEMBER.test(error.message), `a stranger was counted: ${error.message}`)
  }
  if (errors.length > 0) tally.add(`worlds in which a ${kind} stopped a node`)
  return errors.length > 0
}

/** Whose key the configuration binds to the id it claims, and whose it does not. */
const LIARS = ['member', 'stranger'] as const
type Liar = (typeof LIARS)[number]

/** One cluster until a node has stopped, or for `most` lies. Returns how many there were. */
function liarWorld(random: Random, most: number, tally: Tally, faults: Tally): number {
  const kind = pick(random, LIARS)
  const { world, nodes, peer } = infiltrated(CLUSTER, kind === 'stranger' ? STRANGER : 2)
  const ear = new Ear(peer)
  const honest = [nodes[0], nodes[2]] as [Node, Node]
  const client = new ReplicaClient(world, honest[0])
  const wild = chance(random, 0.2)
  let lies = 0
  while (lies < most && honest.every(({ fatal }) => fatal.length === 0)) {
    const node = chance(random, 0.8) ? honest[0] : honest[1]
    const invented = inventedMessage(random, ear.targetOf(random, node, wild)) ?? randomBytes(random, 60)
    const bytes = chance(random, 0.2) ? mutateBytes(random, invented, invented) : invented
    peer.channel.send(endpointOf(node.id), [bytes], pick(random, ['bulk', 'priority']))
    if (chance(random, 0.3)) client.ask(random)
    if (chance(random, 0.5)) world.clock.settle()
    if (chance(random, 0.1)) world.clock.advance(randomBetween(random, 1, 100))
    lies++
  }
  world.clock.settle()
  const stopped = noteFaults(kind, honest, tally, faults)
  peer.transport.crash()
  if (!stopped && !wild) assertRecovers(kind, world, honest, tally, faults)
  client.expectAnswers()
  for (const node of honest) node.crash()
  for (const { cut } of client.acknowledged) tally.add(cut ? 'writes acknowledged after a liar led' : 'acknowledged writes')
  for (let i = 0; i < client.refusedByLiar; i++) tally.add(`requests that a ${kind} refused as the leader`)
  client.check()
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

/** Whether a liar that led has put in force a configuration in which the two do not decide: with another key for one of them, say. */
function isForged(honest: readonly [Node, Node]): boolean {
  return honest.some(({ replica }) => {
    const { membership } = replica.view
    const bothVote = honest.every(({ id }) => isVoterAs(membership, id, endpointOf(id)))
    return !bothVote || allVoters(membership).length > 3
  })
}

/** Without the liar the others go on, unless one of them finds out what it was made to believe. */
function assertRecovers(kind: Liar, world: World, honest: readonly [Node, Node], tally: Tally, faults: Tally): void {
  const outcomes: string[] = []
  const deadline = world.clock.now() + RECOVERY_MS
  while (world.clock.now() < deadline && !outcomes.includes('ok') && honest.every(({ fatal }) => fatal.length === 0)) {
    for (const node of honest) node.write('after', outcomes, world.clock.now() + 1000)
    world.clock.advance(500)
  }
  if (noteFaults(kind, honest, tally, faults)) return
  if (outcomes.includes('ok')) tally.add(`worlds that went on after a ${kind}`)
  else if (isSplit(honest)) tally.add(`worlds that a ${kind} split`)
  else {
    assert.ok(isForged(honest), `nobody takes writes any more: ${outcomes.at(-1)} ${JSON.stringify(honest.map(facts))}`)
    tally.add(`worlds in which a ${kind} forged the configuration`)
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
  const reached = LIARS.flatMap((kind) => [
    `worlds that went on after a ${kind}`,
    `requests that a ${kind} refused as the leader`,
  ])
  for (const what of ['acknowledged writes', ...reached]) assert.ok(tally.count(what) > 0, String(tally))
}
