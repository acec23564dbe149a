import type { Mutant } from './mutant.ts'

/** Bugs that do no harm at once, and that nothing but the invariants of the core sees. */
export const INVARIANTS: readonly Mutant[] = [
  {
    name: 'keep the votes after an election is won',
    file: 'raft/election.ts',
    find: "state.setRole('leader', state.id)\n  state.votes.clear()",
    replace: "state.setRole('leader', state.id)",
    hunter: 'core',
  },
  {
    name: 'keep the progress of peers when deposed',
    file: 'raft/election.ts',
    find: 'if (wasLeader) forgetProgress(state)',
    replace: 'if (wasLeader && term < 0) state.progress.clear()',
    hunter: 'core',
  },
  {
    name: 'keep a transfer of leadership when deposed',
    file: 'raft/election.ts',
    find: '  state.transfer = null\n  state.transferCampaign = false\n  if (wasLeader)',
    replace: '  state.transferCampaign = false\n  if (wasLeader)',
    hunter: 'core',
  },
  {
    name: 'send the last acknowledged entry again',
    file: 'raft/progress.ts',
    find: "this.state = 'replicate'\n    this.next = this.match + 1",
    replace: "this.state = 'replicate'\n    this.next = this.match",
    hunter: 'core',
  },
  {
    name: 'take the next configuration for committed',
    file: 'raft/membership.ts',
    find: '(this.#history[1] as MembershipAt).index <= index)',
    replace: '(this.#history[1] as MembershipAt).index <= index + 1)',
    hunter: 'core',
  },
  {
    name: 'answer reads at an entry that is not committed',
    file: 'raft/read-index.ts',
    find: 'state.rounds.openRound(state.commit)',
    replace: 'state.rounds.openRound(state.log.lastIndex)',
    hunter: 'core',
  },
  {
    name: 'take the whole log for durable at every write',
    file: 'raft/raft.ts',
    find: 'if (batch.lastIndex > state.persisted) state.persisted = batch.lastIndex',
    replace: 'if (batch.lastIndex > state.persisted) state.persisted = state.log.lastIndex',
    hunter: 'core',
  },
  {
    name: 'say that more of the log agrees than was compared',
    file: 'raft/follower.ts',
    find: 'state.verified = Math.max(state.verified, match)',
    replace: 'state.verified = Math.max(state.verified, match, request.commit)',
    hunter: 'core',
  },
  {
    name: 'tell the disk of a truncation and forget what was taken',
    file: 'raft/stage.ts',
    find: '      this.#takenLast = index - 1\n',
    replace: '',
    hunter: 'core',
  },
]
