import type { Mutant } from './mutant.ts'

export const MEMBERSHIP: readonly Mutant[] = [
  {
    name: 'count only one half of a joint configuration',
    file: 'raft/membership.ts',
    find: 'return Math.min(majorityValue(membership.voters, valueOf), majorityValue(membership.outgoing, valueOf))',
    replace: 'return majorityValue(membership.voters, valueOf)',
    hunter: 'core',
  },
  {
    name: 'ask only the new half of a joint configuration for votes',
    file: 'raft/membership.ts',
    find: 'const outgoing = majorityVote(membership.outgoing, votes)',
    replace: 'const outgoing = incoming',
    hunter: 'core',
  },
  {
    name: 'change the voters without a joint configuration',
    file: 'raft/membership.ts',
    find: 'unchanged ? [] : [...current.voters], learners',
    replace: '[], learners',
    hunter: 'core',
  },
  {
    name: 'leave a joint configuration before it is committed',
    file: 'raft/membership-change.ts',
    find: 'if (state.memberships.activeIndex > state.commit) return\n',
    replace: '',
    hunter: 'core',
  },
  {
    name: 'change the membership while a change is under way',
    file: 'raft/membership-change.ts',
    find: '|| state.memberships.activeIndex > state.commit || isJoint(state.membership)',
    replace: '',
    hunter: 'core',
  },
  {
    name: 'act under the committed configuration, not the newest',
    file: 'raft/membership.ts',
    find: 'return (this.#history.at(-1) as MembershipAt).membership',
    replace: 'return (this.#history[0] as MembershipAt).membership',
    hunter: 'cluster',
  },
  {
    name: 'keep a configuration whose entry was truncated',
    file: 'raft/state.ts',
    find: 'this.memberships.truncateFrom(index)\n',
    replace: '',
    hunter: 'test/raft/transcript.test.ts',
  },
  {
    name: 'take a voter of the same id for oneself, whatever its key',
    file: 'raft/membership.ts',
    find: 'if (member.id === id && member.endpointId === endpointId) return true',
    replace: 'if (member.id === id) return true',
    hunter: 'test/simulation/replaced-members-safety.test.ts',
  },
  {
    name: 'campaign by a configuration that knew another key',
    file: 'raft/membership.ts',
    find: 'isVoterAs(membership, id, endpointId)',
    replace: 'isVoter(membership, id)',
    hunter: 'test/simulation/replaced-members-safety.test.ts',
  },
  {
    name: 'let a leader take work behind the configuration without it',
    file: 'replica/requests/leader-work.ts',
    find: ' && !raft.leaving',
    replace: '',
    hunter: 'test/replica/answers.test.ts',
  },
]
