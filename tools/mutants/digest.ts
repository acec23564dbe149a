import type { Mutant } from './mutant.ts'

const FOLLOWED = 'test/commands/digest.test.ts'
const WATCH = 'src/replica/peers/digest-watch.test.ts'
const NODES = 'test/replica/digests.test.ts'

/** That replicas notice when their states differ, and who stops for it. */
export const DIGEST: readonly Mutant[] = [
  {
    name: 'forget to take the replaced row out of the digest',
    file: 'commands/digested-store.ts',
    find: 'addHash(subtractHash(this.#sum, this.#store.put(space, row, hash)), hash)',
    replace: 'addHash(this.#sum, hash)\n    this.#store.put(space, row, hash)',
    hunter: FOLLOWED,
  },
  {
    name: 'forget the rows of clients in the digest',
    file: 'commands/replicated-state.ts',
    find: 'this.#sessions = new Sessions(this.#rows, language)',
    replace: 'this.#sessions = new Sessions(new DigestedStore(store, 0), language)',
    hunter: FOLLOWED,
  },
  {
    name: 'forget replicated time in the digest',
    file: 'commands/replicated-state.ts',
    find: 'metaHash(this.meta)',
    replace: 'metaHash({ ...this.meta, timeMs: 0 })',
    hunter: FOLLOWED,
  },
  {
    name: 'hash rows of all spaces alike',
    file: 'commands/row-hash.ts',
    find: ' ^ (space << 24)',
    replace: '',
    hunter: 'src/commands/row-hash.test.ts',
  },
  {
    name: 'let equal ends of key and value cancel each other out',
    file: 'commands/row-hash.ts',
    find: 'hash.piece(key)',
    replace: 'hash.bytes(key)',
    hunter: 'src/commands/row-hash.test.ts',
  },
  {
    name: 'forget the digest at a restart',
    file: 'commands/replicated-state.ts',
    find: 'new DigestedStore(store, this.#saved.rowsSum)',
    replace: 'new DigestedStore(store, 0)',
    hunter: FOLLOWED,
  },
  {
    name: 'stop a replica that no majority disagrees with',
    file: 'replica/peers/digest-tally.ts',
    find: 'hasQuorum(membership, (id) => this.of(id, index) === one)',
    replace: 'membership.voters.some((id) => this.of(id, index) === one)',
    hunter: WATCH,
  },
  {
    name: 'count what learners have as a vote',
    file: 'replica/peers/digest-tally.ts',
    find: 'reports.filter(({ node }) => isVoter(membership, node))',
    replace: 'reports.filter(({ node }) => node > 0 || isVoter(membership, node))',
    hunter: WATCH,
  },
  {
    name: 'compare the digests of different entries',
    file: 'replica/peers/digest-tally.ts',
    find: 'const digest = known.get(index)',
    replace: 'const digest = [...known.values()].at(-1)',
    hunter: WATCH,
  },
  {
    name: 'stop a leader before it has handed over',
    file: 'replica/peers/digest-watch.ts',
    find: "if (raft.role === 'leader' && now < deadline && (raft.transferring || raft.transferLeadership())) return",
    replace: "if (raft.role === 'leader' && now > deadline && raft.transferLeadership()) return",
    hunter: WATCH,
  },
  {
    name: 'keep what was found of a state that a snapshot has replaced',
    file: 'replica/peers/digest-watch.ts',
    find: 'this.#tally.forget(this.#context.raft.id)',
    replace: '',
    hunter: WATCH,
  },
  {
    name: 'never compare the last entry',
    file: 'replica/peers/digest-watch.ts',
    find: 'if (isIdle && index > this.#newest)',
    replace: 'if (isIdle && index < this.#newest)',
    hunter: WATCH,
  },
  {
    name: 'come back on a state that stood against a majority',
    file: 'storage/trust/divergence-mark.ts',
    find: 'if (!names.includes(NAME)) return null',
    replace: 'if (!names.includes(NAME) || names.length > 0) return null',
    hunter: NODES,
  },
  {
    name: 'apply entries to a state that is not believed',
    file: 'replica/turn/applier.ts',
    find: 'this.#awaitsSnapshot = stores.stateMachine.awaitsSnapshot',
    replace: 'this.#awaitsSnapshot = false',
    hunter: NODES,
  },
  {
    name: 'serve reads from a state that is not believed',
    file: 'replica/requests/requests.ts',
    find: 'if (!this.#parts.stores.stateMachine.awaitsSnapshot) return\n    throw',
    replace: 'if (this.#parts.stores.stateMachine !== undefined) return\n    throw',
    hunter: NODES,
  },
  {
    name: 'take a snapshot of rows that are not those that were written',
    file: 'storage/snapshots/snapshot-encoder.ts',
    find: 'if (audit.problem !== undefined) throw damagedState(audit.problem)',
    replace: '',
    hunter: 'test/contracts/state-machine-sqlite.test.ts',
  },
  {
    name: 'find damage on disk and keep the digest as it was',
    file: 'storage/sqlite/sqlite-state.ts',
    find: 'this.#replicated.correct(kept, found)',
    replace: '',
    hunter: 'test/contracts/state-machine-sqlite.test.ts',
  },
  {
    name: 'open a state whose rows are not those that were written',
    file: 'storage/sqlite/sqlite-sums.ts',
    find: 'if (facts === undefined || sum === facts.rowsSum) return',
    replace: 'if (facts === undefined || sum !== -1) return',
    hunter: 'test/contracts/state-machine-sqlite.test.ts',
  },
]
