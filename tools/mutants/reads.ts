import type { Mutant } from './mutant.ts'

export const READS: readonly Mutant[] = [
  {
    name: 'reuse a stale read round',
    file: 'raft/read-rounds.ts',
    find: 'this.round++\n',
    replace: 'this.round = 1\n',
    hunter: 'drift',
  },
  {
    name: 'read round acknowledged by a learner',
    file: 'raft/read-index.ts',
    find: 'quorumValue(state.membership, roundOf)',
    replace: 'quorumValue({ ...state.membership, voters: state.membership.members.map(({ id }) => id) }, roundOf)',
    hunter: 'drift',
  },
  {
    name: 'confirm a read round without anybody',
    file: 'raft/read-index.ts',
    find: 'quorumValue(state.membership, roundOf)',
    replace: 'Number.POSITIVE_INFINITY',
    hunter: 'drift',
  },
  {
    name: 'serve a read before the first commit of the term',
    file: 'raft/read-index.ts',
    find: '|| !state.committedInTerm ||',
    replace: '||',
    hunter: 'core',
  },
  {
    name: 'take the answer to a question of a former life',
    file: 'raft/read-index.ts',
    find: 'if (response.incarnation !== state.incarnation || response.index === 0) return',
    replace: 'if (response.index === 0) return',
    hunter: 'core',
  },
  {
    name: 'serve a read before its index is applied',
    file: 'replica/requests/reads.ts',
    find: 'this.#byTicket.delete(ticket)\n    if (index <= applied) this',
    replace: 'this.#byTicket.delete(ticket)\n    if (index <= applied + 8) this',
    hunter: 'cluster',
  },
]
