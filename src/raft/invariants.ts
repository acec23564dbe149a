/**
 * What holds of a core's state after every input. The cheap part runs once per turn, always: a node whose core
 * contradicts itself must stop before it says another word. The whole, which looks at every peer, configuration and outstanding
 * batch, runs after every input where a test or the simulator asks for it (`RaftOptions.thorough`).
 */
import { assert, fail } from '../lib/index.ts'
import { MAX_READ_ROUNDS } from '../limits.ts'
import { allVoters, isJoint, isMember } from './membership.ts'
import type { RaftState } from './state.ts'
import type { Membership } from './types.ts'

/** The cheap part: a few comparisons, whatever the size of log and cluster. @throws AssertionError */
export function checkInvariants(state: RaftState): void {
  checkIndices(state)
  checkTerms(state)
  checkRole(state)
}

/** All of it. @throws AssertionError */
export function checkThoroughly(state: RaftState): void {
  checkInvariants(state)
  checkProgress(state)
  for (const progress of state.progress.values()) progress.checkInflight()
  checkBeliefInDisk(state)
  checkConfigurations(state)
  checkVotes(state)
  checkRounds(state)
  checkHeld(state)
}

/** purged <= applied or on its way there <= committed and durable <= the log's end. */
function checkIndices({ log, commit, persisted, handedOut, verified }: RaftState): void {
  const { lastIndex } = log
  if (!(log.purged.index <= handedOut))
    fail(`the log is purged to ${log.purged.index}, past what was handed out for apply, ${handedOut}`)
  if (!(handedOut <= commit)) fail(`entry ${handedOut} was handed out for apply; the commit index is ${commit}`)
  if (!(handedOut <= persisted)) fail(`entry ${handedOut} was handed out for apply; durable is the log up to ${persisted}`)
  if (!(commit <= lastIndex)) fail(`the commit index ${commit} lies after the log's end ${lastIndex}`)
  if (!(persisted <= lastIndex)) fail(`the log counts as durable up to ${persisted}; it ends at ${lastIndex}`)
  if (!(verified <= lastIndex)) fail(`the log is said to agree with the leader's up to ${verified}; it ends at ${lastIndex}`)
}

function checkTerms({ term, durableTerm, log }: RaftState): void {
  if (!(term >= log.lastTerm)) fail(`the term is ${term}; the log ends in term ${log.lastTerm}`)
  if (!(durableTerm <= term)) fail(`the term ${durableTerm} counts as durable; the present one is ${term}`)
}

function checkRole(state: RaftState): void {
  const { id, role, leader, term, durableTerm, votes, transfer, progress } = state
  if (role !== 'leader') {
    if (leader === id) fail(`node ${id} follows itself as a ${role}`)
    if (transfer !== null) fail(`a ${role} hands over a leadership that it does not have`)
    if (progress.size !== 0) fail(`a ${role} keeps the progress of ${progress.size} peers`)
    return
  }
  if (leader !== id) fail(`node ${id} leads, and takes node ${leader ?? 'nobody'} for the leader`)
  if (durableTerm !== term) fail(`term ${term} is led and not durable`)
  if (votes.size !== 0) fail(`a leader of term ${term} still counts votes`)
  if (progress.has(id)) fail(`leader ${id} counts itself among its peers`)
}

function checkProgress({ progress, log, membership, rounds }: RaftState): void {
  for (const [id, { match, next, state: sending, ackedRound, sentRound, departingAt }] of progress) {
    if (!(match < next)) fail(`node ${id} is known to hold entry ${match} and is sent entry ${next}`)
    if (!(match <= log.lastIndex)) fail(`node ${id} is believed to hold entry ${match}; the log ends at ${log.lastIndex}`)
    if (!(next <= log.lastIndex + 1 || sending === 'snapshot'))
      fail(`node ${id} is to be sent entry ${next}; the log ends at ${log.lastIndex}`)
    if (!(ackedRound <= rounds.round)) fail(`node ${id} has echoed round ${ackedRound}; the newest is ${rounds.round}`)
    if (!(sentRound <= rounds.round)) fail(`node ${id} was sent round ${sentRound}; the newest is ${rounds.round}`)
    if (departingAt === null && !isMember(membership, id)) fail(`node ${id} is replicated to and belongs to no configuration`)
  }
}

/** What is on its way to the disk, or not yet handed to it, must not count as durable. */
function checkBeliefInDisk({ stage, persisted, term, durableTerm }: RaftState): void {
  const pending = stage.firstPending
  if (!(persisted < pending)) fail(`the log counts as durable up to ${persisted}; entry ${pending} is not on disk yet`)
  if (durableTerm !== term && !stage.isTermPending(term)) fail(`term ${term} is neither durable nor on its way to the disk`)
}

function checkConfigurations({ memberships, log, commit }: RaftState): void {
  if (!(memberships.baseIndex <= commit)) fail(`configuration ${memberships.baseIndex} is taken for committed; that is ${commit}`)
  if (!(memberships.activeIndex <= log.lastIndex))
    fail(`configuration ${memberships.activeIndex} is in force; the log ends at ${log.lastIndex}`)
  let previous = -1
  for (const { index, membership } of memberships.history) {
    if (!(index > previous)) fail(`configuration ${index} follows configuration ${previous}`)
    previous = index
    checkConfiguration(membership)
  }
}

function checkConfiguration(membership: Membership): void {
  const { voters, learners, members } = membership
  for (const id of [...allVoters(membership), ...learners]) {
    if (!isMember(membership, id)) fail(`node ${id} is a voter or learner without a key`)
  }
  assert(new Set(members.map((member) => member.id)).size === members.length, 'a configuration names a member twice')
  assert(voters.length > 0 || members.length === 0, 'a configuration has members and no voter')
  assert(!isJoint(membership) || voters.length > 0, 'a joint configuration leads to one without voters')
  assert(!learners.some((id) => voters.includes(id)), 'a learner votes')
}

function checkVotes({ role, votes, votedFor, id, durableTerm, term }: RaftState): void {
  if (role === 'candidate') {
    if (votedFor !== id) fail(`candidate ${id} of term ${term} has voted for ${votedFor ?? 'nobody'}`)
    if (votes.has(id) && durableTerm !== term) fail(`candidate ${id} counts its vote in term ${term} before it is durable`)
  }
  assert(role !== 'follower' || votes.size === 0, 'a follower counts votes')
}

function checkRounds({ rounds, role, commit }: RaftState): void {
  const { openCount, openIndex } = rounds
  if (!(openCount <= MAX_READ_ROUNDS)) fail(`${openCount} read rounds are open`)
  if (openCount !== 0 && role !== 'leader') fail(`a ${role} has read rounds open`)
  if (!(openIndex <= commit)) fail(`a read round would answer at entry ${openIndex}; committed is ${commit}`)
}

/** What peers are reminded of is committed, whatever became of this node's reign since. */
function checkHeld({ held, commit, log }: RaftState): void {
  for (const [key, { index, term }] of held) {
    if (!(index <= commit)) fail(`${key} is said to hold entry ${index} of what is committed; that is ${commit}`)
    if (index > log.purged.index && log.termAt(index) !== term) fail(`${key} is said to hold entry ${index} of term ${term}`)
  }
}
