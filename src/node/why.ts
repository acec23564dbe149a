/**
 * Why there is no leader, why a write waits, why this node is alone: in sentences, from what this node knows now. It asks nobody, so it answers
 * also when nobody else does. Pure: the same facts give the same sentences.
 */
import { NEWCOMER_ADVICE } from '../api/index.ts'
import type { DiskStatus, MemberHealth, WhyAnswer, WhyReport } from '../api/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../limits.ts'
import type { PeerReport } from '../ports/index.ts'
import { isVoterAs } from '../raft/index.ts'
import type { Membership, PeerProgress } from '../raft/index.ts'
import type { ReplicaView } from '../replica/index.ts'

/** What takes longer is worth a sentence, in milliseconds: a write of the log, an entry that waits for a majority. */
const SLOW_MS = 250
/** Entries behind what is known to be committed above which a read waits. */
const BEHIND_ENTRIES = 1_000
/** From this part of its quota on the store counts as full. */
const NEARLY_FULL = 0.99
/** Of peers without a link; of a key, for people. */
const MAX_SHOWN_PEERS = 5
const SHOWN_DIGITS = 16

export interface WhyFacts {
  readonly nodeId: number
  readonly endpointId: string
  /** Milliseconds of the node's clock. */
  readonly now: number
  readonly view: ReplicaView
  readonly state: { readonly keys: number; readonly bytes: number }
  readonly members: readonly MemberHealth[]
  readonly peers: readonly PeerReport[]
  /** On a leader: what it knows of a member. */
  readonly progress: (id: number) => PeerProgress | undefined
  /** Why the RaftActor does not serve; null while it does. */
  readonly actor: string | null
  readonly removed: string | null
  readonly lostDisk: string | null
}

export function explain(facts: WhyFacts): WhyReport {
  const { nodeId, view } = facts
  const found = view.membership.members.length === 0 ? ofNewcomer(facts) : ofMember(facts)
  const isWell = found.length === 0
  return { nodeId, isWell, sentences: isWell ? [allIsWell(facts)] : found, answers: answersOf(facts) }
}

function ofNewcomer(facts: WhyFacts): string[] {
  const { lostDisk, peers } = facts
  if (lostDisk !== null) return [sentence(lostDisk)]
  const sentences = [...ofLife(facts), sentence(`This node belongs to no cluster yet. ${NEWCOMER_ADVICE}`)]
  if (peers.length === 0)
    return [...sentences, 'It knows of no other node: name one in the setting peers, by POST /add-peer or by a ticket.']
  const linked = peers.filter(({ state }) => state === 'connected')
  const named = linked.map(({ claims }) => `node ${claims?.nodeId ?? '?'} (${clusterWords(claims?.clusterId ?? null)})`)
  sentences.push(linked.length === 0 ? 'It has no link to any node.' : `It is linked with ${named.join(', ')}.`)
  return [...sentences, ...unlinkedWords(peers)]
}

function clusterWords(clusterId: string | null): string {
  return clusterId === null ? 'of no cluster' : `of cluster ${clusterId.slice(0, SHOWN_DIGITS)}`
}

function unlinkedWords(peers: readonly PeerReport[]): string[] {
  return peers
    .filter(({ state, lastError }) => state !== 'connected' && lastError !== null)
    .slice(0, MAX_SHOWN_PEERS)
    .map(({ endpointId, lastError }) => sentence(`There is no link to key ${endpointId.slice(0, SHOWN_DIGITS)}...: ${lastError}`))
}

function ofMember(facts: WhyFacts): string[] {
  const { removed } = facts
  if (removed !== null) return [sentence(capital(removed))]
  const life = ofLife(facts)
  if (life.length > 0) return life
  return [...ofLeadership(facts), ...ofWrites(facts), ...ofState(facts)]
}

/** What keeps this node from taking part at all. */
function ofLife({ view, actor }: WhyFacts): string[] {
  if (view.poisoned !== null) return [sentence(`This node takes no further part: ${view.poisoned.message}`)]
  return actor === null ? [] : [sentence(`The RaftActor of this node does not serve: ${actor}`)]
}

function ofLeadership(facts: WhyFacts): string[] {
  const { view, nodeId, members } = facts
  const alone = members.length > 0 && members.every(({ condition }) => condition !== 'well')
  const isolation = alone ? ['This node is alone: it hears no other member.'] : []
  if (view.leader === null) return [...isolation, ...ofElection(facts)]
  if (view.leader === nodeId) return [...isolation, ...ofQuorum(facts)]
  const leader = members.find((member) => member.nodeId === view.leader)
  if (leader === undefined || leader.condition === 'well') return isolation
  const waiting = view.proposals > 0 ? [`Requests that are for it are not answered: ${view.proposals}.`] : []
  return [
    ...isolation,
    `Node ${view.leader} leads term ${view.term}, and does not answer this node.`,
    ...waiting,
    memberWords(leader),
  ]
}

function ofElection(facts: WhyFacts): string[] {
  const { view, nodeId, endpointId, members } = facts
  const { membership, term } = view
  const votes = isVoterAs(membership, nodeId, endpointId)
  const heard = members.filter((one) => isVoter(membership, one.nodeId) && one.condition === 'well').map((one) => one.nodeId)
  const own = votes ? [nodeId] : []
  return [
    `No leader is known in term ${term}.`,
    ...majorities(membership).map(
      (words) => `An election takes ${words}. Those that this node hears, itself included: ${listed([...own, ...heard])}.`,
    ),
    ...(votes ? [] : ['This node has no vote, and waits for those that have.']),
    ...members.filter((one) => isVoter(membership, one.nodeId) && one.condition !== 'well').map(memberWords),
    ...voteWords(facts),
    ...(votes ? unansweredWords(facts, heard) : []),
  ]
}

/** Who hears a leader does not answer those that ask for its vote, so that they cannot disturb it (thesis 4.2.3). */
function unansweredWords({ view }: WhyFacts, heard: readonly number[]): string[] {
  if (view.role !== 'pre-candidate') return []
  return heard
    .filter((id) => !view.heardVotes.has(id))
    .map((id) => `Node ${id} has not answered this node's request for its vote: it hears a leader that this node does not hear.`)
}

function voteWords({ view, now }: WhyFacts): string[] {
  return [...view.heardVotes]
    .toSorted(([a], [b]) => a - b)
    .map(([id, { granted, preVote, term, at }]) => {
      const when = `for term ${term}, ${seconds(now - at)} ago`
      const would = preVote ? 'would give' : 'gave'
      if (granted) return `Node ${id} ${would} this node its vote ${when}.`
      const not = preVote ? 'would not give' : 'did not give'
      return `Node ${id} ${not} this node its vote ${when}: it hears a leader, has voted for another one, or has entries that this node lacks.`
    })
}

/** A leader that too few answer. It steps down at the election timeout. */
function ofQuorum(facts: WhyFacts): string[] {
  const { view, nodeId, members } = facts
  const answering = new Set([nodeId, ...members.filter(({ condition }) => condition === 'well').map((one) => one.nodeId)])
  const missing = [view.membership.voters, view.membership.outgoing].some(
    (voters) => voters.length > 0 && voters.filter((id) => answering.has(id)).length < majorityOf(voters),
  )
  if (!missing) return []
  const silent = members.filter((one) => isVoter(view.membership, one.nodeId) && one.condition !== 'well')
  return [
    'This node leads, and no majority of the voters answers it: nothing can be written or read.',
    ...silent.map(memberWords),
  ]
}

function ofWrites(facts: WhyFacts): string[] {
  const { view } = facts
  const { membership, handsOver, proposals, leader } = view
  const sentences: string[] = []
  if (membership.outgoing.length > 0)
    sentences.push(`A change of the members is not finished: it takes ${majorities(membership).join(' and ')}.`)
  if (handsOver) sentences.push('This node is handing leadership over, or is being removed: writes wait for the next leader.')
  if (leader === null && proposals > 0) sentences.push(`Requests wait here for a leader: ${proposals}.`)
  if (view.role === 'leader') sentences.push(...ofReplication(facts))
  return [...sentences, ...ofDisk(facts)]
}

/** Which entries wait for whom. */
function ofReplication({ view, members, progress, now }: WhyFacts): string[] {
  const { commitIndex, commitMovedAt, lastLog, membership } = view
  // Some always do where there is load.
  if (lastLog.index <= commitIndex || now - commitMovedAt < SLOW_MS) return []
  const held = members
    .filter(({ nodeId }) => isVoter(membership, nodeId))
    .map(({ nodeId }) => {
      const peer = progress(nodeId)
      return peer === undefined
        ? `node ${nodeId} is not known to have any`
        : `node ${nodeId} has up to ${peer.match}, said ${seconds(peer.lastContactMs)} ago`
    })
  const which =
    lastLog.index === commitIndex + 1 ? `Entry ${lastLog.index} waits` : `Entries ${commitIndex + 1} to ${lastLog.index} wait`
  return [
    `${which} for a majority: this node has up to ${view.persistedIndex} on its disk${held.map((words) => `, ${words}`).join('')}.`,
  ]
}

function ofDisk({ view, now }: WhyFacts): string[] {
  const { writingSince, disk } = view
  const sentences: string[] = []
  if (writingSince !== null && now - writingSince >= SLOW_MS)
    sentences.push(`The disk of this node has been at one write of the log for ${seconds(now - writingSince)}.`)
  if (disk?.isLow === true) sentences.push(diskWords(disk))
  return sentences
}

function diskWords({ directory, usedPercent }: DiskStatus): string {
  return `The volume of ${directory} is ${usedPercent} % full: while this node leads, writes that grow the store are refused (DISK_FULL).`
}

function ofState({ view, state }: WhyFacts): string[] {
  const sentences: string[] = []
  const behind = view.knownCommitIndex - view.appliedIndex
  if (behind > BEHIND_ENTRIES)
    sentences.push(`This node is ${behind} entries behind: a read here waits until it has applied them.`)
  if (state.bytes >= NEARLY_FULL * MAX_SNAPSHOT_SIZE || state.keys >= NEARLY_FULL * MAX_SNAPSHOT_ENTRIES) {
    const of = `${state.keys} of ${MAX_SNAPSHOT_ENTRIES} keys and ${state.bytes} of ${MAX_SNAPSHOT_SIZE} bytes`
    sentences.push(`The store has ${of}: writes that grow it beyond are refused (QUOTA_EXCEEDED).`)
  }
  return sentences
}

function allIsWell({ view, nodeId }: WhyFacts): string {
  const { leader, term } = view
  if (leader === nodeId) return `Nothing is in the way: this node leads term ${term}, and a majority of the voters answers it.`
  return `Nothing is in the way: node ${leader} leads term ${term}, and this node hears it.`
}

function answersOf({ view, members, progress, now }: WhyFacts): WhyAnswer[] {
  return members.map((member) => {
    const peer = progress(member.nodeId)
    const vote = view.heardVotes.get(member.nodeId)
    return {
      ...member,
      isVoter: isVoter(view.membership, member.nodeId),
      lastContactMs: peer === undefined ? null : Math.round(peer.lastContactMs),
      lag: peer === undefined ? null : Math.max(0, view.lastLog.index - peer.match),
      vote:
        vote === undefined
          ? null
          : { granted: vote.granted, preVote: vote.preVote, term: vote.term, agoMs: Math.round(now - vote.at) },
    }
  })
}

function isVoter({ voters, outgoing }: Membership, id: number): boolean {
  return voters.includes(id) || outgoing.includes(id)
}

function majorityOf(voters: readonly number[]): number {
  return Math.floor(voters.length / 2) + 1
}

/** What the configuration asks for: one majority, or two. */
function majorities({ voters, outgoing }: Membership): string[] {
  return [voters, outgoing]
    .filter(({ length }) => length > 0)
    .map((some) => `${majorityOf(some)} of the voters ${some.join(', ')}`)
}

function memberWords({ nodeId, condition, detail, forMs }: MemberHealth): string {
  return sentence(`Node ${nodeId} is ${CONDITIONS[condition]} since ${seconds(forMs)}: ${detail}`)
}

const CONDITIONS: Readonly<Record<MemberHealth['condition'], string>> = {
  well: 'well',
  crashed: 'not running',
  'actor-down': 'running without its RaftActor',
  stalled: 'standing still',
  'cut-off': 'cut off from this node',
  unreachable: 'out of reach',
  refused: 'not linked',
  unlinked: 'not linked',
}

function listed(ids: readonly number[]): string {
  return ids.length === 0 ? 'none' : ids.toSorted((a, b) => a - b).join(', ')
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`
}

function sentence(words: string): string {
  return words.endsWith('.') ? words : `${words}.`
}

function capital(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}
