import type { Mutant } from './mutant.ts'

export const SNAPSHOTS: readonly Mutant[] = [
  {
    name: 'snapshot metadata newer than its data',
    file: 'storage/memory/memory-state-machine.ts',
    find: 'const { store, replicated, applied: last, membership, membershipIndex } = state\n',
    replace:
      'const { store, replicated, membership, membershipIndex } = state\n  const last = { term: state.applied.term, index: state.applied.index + 1 }\n',
    hunter: 'snapshots',
  },
  {
    name: 'install an older snapshot',
    file: 'raft/follower.ts',
    find: 'if (last.index > state.commit) {',
    replace: 'if (last.index > 0) {',
    hunter: 'core',
  },
  {
    name: 'keep the log in front of a snapshot that contradicts it',
    file: 'raft/follower.ts',
    find: 'if (state.log.matches(last)) state.commitTo(last.index)',
    replace: 'if (last.index <= state.log.lastIndex) state.commitTo(last.index)',
    hunter: 'core',
  },
  {
    name: 'never try a snapshot again that did not arrive',
    file: 'raft/leader.ts',
    find: "if (progress?.state !== 'snapshot') return\n  progress.becomeProbe(progress.match + 1)\n",
    replace: "if (progress?.state !== 'snapshot') return\n",
    hunter: 'core',
  },
  {
    name: 'offer a snapshot that ends before the log begins',
    file: 'replica/peers/snapshot-exchange.ts',
    find: 'if (newest !== null && newest.last.index >= atLeast && ',
    replace: 'if (newest !== null && ',
    // Not a simulator: its state in memory takes a snapshot at every checkpoint, so its log never begins behind the newest.
    hunter: 'src/replica/peers/snapshot-exchange.test.ts',
  },
  {
    name: 'resume a snapshot of another leader',
    file: 'replica/peers/snapshot-receiver.ts',
    find: 'if (this.#current?.snapshot.id !== snapshot.id && !this.#begin(snapshot)) return',
    replace: 'if (this.#current === null && !this.#begin(snapshot)) return',
    hunter: 'src/replica/peers/snapshot-receiver.test.ts',
  },
  {
    name: 'install a snapshot with other content than announced',
    file: 'storage/snapshots/snapshot-transfer.ts',
    find: 'const problem = found === undefined ? error : this.#difference(found)',
    replace: 'const problem = found === undefined ? error : undefined',
    hunter: 'test/contracts/snapshot-store.test.ts',
  },
  {
    name: 'apply what was queued over a restored snapshot',
    file: 'replica/turn/applier.ts',
    find: 'this.#epoch++\n',
    replace: '',
    hunter: 'src/replica/turn/applier.test.ts',
  },
  {
    name: 'leave the cache as it was behind a restored snapshot',
    file: 'replica/turn/engine.ts',
    find: 'this.#cache.reset(restore.last.index)\n',
    replace: '',
    hunter: 'snapshots',
  },
  {
    name: 'leave an installation unfinished that a crash cut short',
    file: 'replica/recovery.ts',
    find: 'if (ahead < 0 || (ahead === 0 && !state.opensFromSnapshot)) return null',
    replace: 'if (ahead <= 0) return null',
    hunter: 'snapshots',
  },
  {
    name: 'restore a log with the term of the snapshot alone',
    file: 'replica/peers/snapshot-exchange.ts',
    find: 'log.reset(snapshot.last, hardState, ',
    replace: 'log.reset(snapshot.last, { term, votedFor: null }, ',
    hunter: 'snapshots',
  },
  {
    name: 'let a sender wait without a word while its snapshot is restored',
    file: 'replica/peers/snapshot-exchange.ts',
    find: 'for (const whole of this.#arrived) this.#receiver.reportWhole(whole)',
    replace: 'void this.#arrived',
    hunter: 'src/replica/peers/snapshot-exchange.test.ts',
  },
]
