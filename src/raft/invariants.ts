/**
 * What holds of a core's state after every input. The cheap part runs once per turn, always: a node whose core
 * contradicts itself must stop before it says another word. The whole, which looks at every peer, configuration and outstanding
 * batch, runs after every input where a test or the simulator asks for it (`RaftOptions.thorough`).
 */
import { assert } from '../lib/index.ts'
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
  checkBeliefInDisk(state)
  checkConfigurations(state)
  checkVotes(state)
  checkRounds(state)
}

/** purged <= applied or on its way there <= committed and durable <= the log's end. */
function checkIndices({ log, commit, persisted, handedOut, verified }: RaftState): void {
  const { lastIndex } = log
  assert(
    log.purged.index <= handedOut,
    `the log is purged to ${log.purged.index}, past what was handed out for apply, ${handedOut}`,
  )
  assert(handedOut <= commit, `entry ${handedOut} was handed out for apply; the commit index is ${commit}`)
  assert(handedOut <= persisted, `entry ${handedOut} was handed out for apply; durable is the log up to ${persisted}`)
  assert(commit <= lastIndex, `the commit index ${commit} lies after the log's end ${lastIndex}`)
  assert(persisted <= lastIndex, `the log counts as durable up to ${persisted}; it ends at ${lastIndex}`)
  assert(verified <= lastIndex, `the log is said to agree with the leader's up to ${verified}; it ends at ${lastIndex}`)
}

function checkTerms({ term, durableTerm, log }: RaftState): void {
  assert(term >= log.lastTerm, `the term is ${term}; the log ends in term ${log.lastTerm}`)
  assert(durableTerm <= term, `the term ${durableTerm} counts as durable; the present one is ${term}`)
}

function checkRole(state: RaftState): void {
  const { id, role, leader, term, durableTerm, votes, transfer, progress } = state
  if (role !== 'leader') {
    assert(leader !== id, `node ${id} follows itself as a ${role}`)
    assert(transfer === null, `a ${role} hands over a leadership that it does not have`)
    assert(progress.size === 0, `a ${role} keeps the progress of ${progress.size} peers`)
    return
  }
  assert(leader === id, `node ${id} leads, and takes node ${leader ?? 'nobody'} for the leader`)
  assert(durableTerm === term, `term ${term} is led and not durable`)
  assert(votes.size === 0, `a leader of term ${term} still counts votes`)
  assert(!progress.has(id), `leader ${id} counts itself among its peers`)
}

function checkProgress({ progress, log, membership, rounds }: RaftState): void {
  for (const [id, { match, next, state: sending, ackedRound, sentRound, departingAt }] of progress) {
    assert(match < next, `node ${id} is known to hold entry ${match} and is sent entry ${next}`)
    assert(match <= log.lastIndex, `node ${id} is believed to hold entry ${match}; the log ends at ${log.lastIndex}`)
    assert(
      next <= log.lastIndex + 1 || sending === 'snapshot',
      `node ${id} is to be sent entry ${next}; the log ends at ${log.lastIndex}`,
    )
    assert(ackedRound <= rounds.round, `node ${id} has echoed round ${ackedRound}; the newest is ${rounds.round}`)
    assert(sentRound <= rounds.round, `node ${id} was sent round ${sentRound}; the newest is ${rounds.round}`)
    assert(departingAt !== null || isMember(membership, id), `node ${id} is replicated to and belongs to no configuration`)
  }
}

/** What is on its way to the disk, or not yet handed to it, must not count as durable. */
function checkBeliefInDisk({ stage, persisted, term, durableTerm }: RaftState): void {
  const pending = stage.firstPending
  assert(persisted < pending, `the log counts as durable up to ${persisted}; entry ${pending} is not on disk yet`)
  assert(durableTerm === term || stage.isTermPending(term), `term ${term} is neither durable nor on its way to the disk`)
}

function checkConfigurations({ memberships, log, commit }: RaftState): void {
  assert(memberships.baseIndex <= commit, `configuration ${memberships.baseIndex} is taken for committed; that is ${commit}`)
  assert(
    memberships.activeIndex <= log.lastIndex,
    `configuration ${memberships.activeIndex} is in force; the log ends at ${log.lastIndex}`,
  )
  let previous = -1
  for (const { index, membership } of memberships.history) {
    assert(index > previous, `configuration ${index} follows configuration ${previous}`)
    previous = index
    checkConfiguration(membership)
  }
}

function checkConfiguration(membership: Membership): void {
  const { voters, learners, members } = membership
  for (const id of [...allVoters(membership), ...learners]) {
    assert(isMember(membership, id), `node ${id} is a voter or learner without a key`)
  }
  assert(new Set(members.map((member) => member.id)).size === members.length, 'a configuration names a member twice')
  assert(voters.length > 0 || members.length === 0, 'a configuration has members and no voter')
  assert(!isJoint(membership) || voters.length > 0, 'a joint configuration leads to one without voters')
  assert(!learners.some((id) => voters.includes(id)), 'a learner votes')
}

function checkVotes({ role, votes, votedFor, id, durableTerm, term }: RaftState): void {
  if (role === 'candidate') {
    assert(votedFor === id, `candidate ${id} of term ${term} has voted for ${votedFor ?? 'nobody'}`)
    assert(!votes.has(id) || durableTerm === term, `candidate ${id} counts its vote in term ${term} before it is durable`)
  }
  assert(role !== 'follower' || votes.size === 0, 'a follower counts votes')
}

function checkRounds({ rounds, role, commit }: RaftState): void {
  const { openCount, openIndex } = rounds
  assert(openCount <= MAX_READ_ROUNDS, `${openCount} read rounds are open`)
  assert(openCount === 0 || role === 'leader', `a ${role} has read rounds open`)
  assert(openIndex <= commit, `a read round would answer at entry ${openIndex}; committed is ${commit}`)
}
