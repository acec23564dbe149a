import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  EMPTY_MEMBERSHIP,
  finalMembership,
  hasQuorum,
  initialMembership,
  isJoint,
  isVoterAs,
  MembershipLog,
  proposedMembership,
  quorumValue,
  voteOutcome,
} from './membership.ts'
import type { Member, Membership, NodeId } from './types.ts'

const keyOf = (id: NodeId): string => String(id).padStart(64, '0')
const memberOf = (id: NodeId): Member => ({ id, endpointId: keyOf(id), addresses: [] })

const voterSet = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 })
const someSet = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 7 })

function configuration(voters: readonly NodeId[], outgoing: readonly NodeId[]): Membership {
  return { voters, outgoing, learners: [], members: [...new Set([...voters, ...outgoing])].map(memberOf) }
}

/** Every subset of `ids`. */
function subsets(ids: readonly NodeId[]): NodeId[][] {
  return ids.reduce<NodeId[][]>((all, id) => [...all, ...all.map((subset) => [...subset, id])], [[]])
}

const isMajority = (of: readonly NodeId[], group: readonly NodeId[]): boolean =>
  of.length === 0 || of.filter((id) => group.includes(id)).length * 2 > of.length

/** The definition: the group has a majority of either half. */
const decides = ({ voters, outgoing }: Membership, group: readonly NodeId[]): boolean =>
  isMajority(voters, group) && isMajority(outgoing, group)

describe('quorumValue', () => {
  it('is the largest value that some deciding group has reached, in single and joint configurations', () => {
    fc.assert(
      fc.property(voterSet, someSet, fc.array(fc.nat(9), { minLength: 8, maxLength: 8 }), (voters, outgoing, values) => {
        const membership = configuration(voters, outgoing)
        const ids = membership.members.map(({ id }) => id)
        const valueOf = (id: NodeId): number => values[id] as number
        const naive = subsets(ids)
          .filter((group) => decides(membership, group))
          .map((group) => Math.min(...group.map(valueOf)))
        assert.equal(quorumValue(membership, valueOf), Math.max(...naive))
      }),
    )
  })

  it('counts both halves of a joint configuration', () => {
    const joint = configuration([4, 5, 6], [1, 2, 3])
    assert.equal(
      quorumValue(joint, (id) => (id >= 4 ? 10 : 3)),
      3,
    )
  })
})

describe('voteOutcome', () => {
  it('is won by deciding groups, lost when no deciding group is left, and pending otherwise', () => {
    fc.assert(
      fc.property(
        voterSet,
        someSet,
        fc.array(fc.constantFrom(true, false, undefined), { minLength: 8, maxLength: 8 }),
        (voters, outgoing, answers) => {
          const membership = configuration(voters, outgoing)
          const ids = membership.members.map(({ id }) => id)
          const votes = new Map<NodeId, boolean>()
          answers.forEach((answer, id) => answer !== undefined && votes.set(id, answer))
          const won = decides(
            membership,
            ids.filter((id) => votes.get(id) === true),
          )
          const winnable = decides(
            membership,
            ids.filter((id) => votes.get(id) !== false),
          )
          assert.equal(voteOutcome(membership, votes), won ? 'won' : winnable ? 'pending' : 'lost')
        },
      ),
    )
  })
})

describe('hasQuorum', () => {
  it('holds for deciding groups and no others', () => {
    fc.assert(
      fc.property(voterSet, someSet, someSet, (voters, outgoing, active) => {
        const membership = configuration(voters, outgoing)
        assert.equal(
          hasQuorum(membership, (id) => active.includes(id)),
          decides(membership, active),
        )
      }),
    )
  })
})

describe('proposedMembership', () => {
  it('never lets a quorum before the change and a quorum after it miss each other', () => {
    fc.assert(
      fc.property(voterSet, voterSet, (before, after) => {
        const current = initialMembership(before.map(memberOf))
        const proposed = proposedMembership(current, { voters: after, learners: [], newMembers: after.map(memberOf) })
        const ids = [...new Set([...before, ...after])]
        const deciding = (membership: Membership): NodeId[][] => subsets(ids).filter((group) => decides(membership, group))
        for (const [from, to] of [
          [current, proposed],
          [proposed, isJoint(proposed) ? finalMembership(proposed) : proposed],
        ] as const) {
          for (const a of deciding(from)) for (const b of deciding(to)) assert.ok(a.some((id) => b.includes(id)))
        }
      }),
      { numRuns: 30 },
    )
  })

  it('goes through a joint configuration only when voters change', () => {
    const current = initialMembership([1, 2, 3].map(memberOf))
    const withLearner = proposedMembership(current, { voters: [1, 2, 3], learners: [4], newMembers: [memberOf(4)] })
    assert.ok(!isJoint(withLearner))
    assert.deepEqual(withLearner.learners, [4])
    const promoted = proposedMembership(withLearner, { voters: [1, 2, 3, 4], learners: [4], newMembers: [] })
    assert.deepEqual([promoted.voters, promoted.outgoing, promoted.learners], [[1, 2, 3, 4], [1, 2, 3], []])
    assert.deepEqual(finalMembership(promoted).outgoing, [])
  })

  it('keeps exactly the members that are named', () => {
    const current = initialMembership([1, 2, 3].map(memberOf))
    const joint = proposedMembership(current, { voters: [2, 3, 4], learners: [], newMembers: [memberOf(4), memberOf(9)] })
    assert.deepEqual(
      joint.members.map(({ id }) => id),
      [1, 2, 3, 4],
    )
    assert.deepEqual(
      finalMembership(joint).members.map(({ id }) => id),
      [2, 3, 4],
    )
  })
})

describe('MembershipLog', () => {
  const [a, b, c] = [[1], [1, 2], [1, 2, 3]].map((ids) => initialMembership(ids.map(memberOf))) as [
    Membership,
    Membership,
    Membership,
  ]

  function threeInOneAppend(): MembershipLog {
    const log = new MembershipLog({ index: 0, membership: EMPTY_MEMBERSHIP })
    log.push(1, a)
    log.push(2, b)
    log.push(3, c)
    return log
  }

  it('acts under the last of three configurations that arrive together', () => {
    const log = threeInOneAppend()
    assert.deepEqual([log.active, log.activeIndex], [c, 3])
  })

  it('brings the one before back when a truncation removes the last', () => {
    const log = threeInOneAppend()
    assert.ok(log.truncateFrom(3))
    assert.deepEqual([log.active, log.activeIndex], [b, 2])
    assert.ok(!log.truncateFrom(3))
  })

  it('keeps the committed one, and what may still replace it', () => {
    const log = threeInOneAppend()
    log.commit(2)
    assert.ok(log.truncateFrom(3))
    assert.deepEqual(log.active, b)
    assert.ok(!log.truncateFrom(1), 'the committed configuration stays')
    assert.deepEqual(log.active, b)
  })

  it('lets those vote whom an uncommitted configuration removes', () => {
    const log = new MembershipLog({ index: 1, membership: c })
    log.push(5, a)
    assert.ok(log.mayVote(3, keyOf(3)))
    log.commit(5)
    assert.ok(!log.mayVote(3, keyOf(3)))
  })

  it('lets nobody vote under an id that is bound to another key', () => {
    const log = new MembershipLog({ index: 1, membership: c })
    assert.ok(!log.mayVote(3, keyOf(4)))
    assert.ok(!isVoterAs(c, 3, keyOf(1)))
    assert.ok(isVoterAs(c, 3, keyOf(3)))
  })
})
