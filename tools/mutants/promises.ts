import type { Mutant } from './mutant.ts'

/** What a replica promises of each message and answer, taken out: the test that plants the breach must notice. */
export const PROMISES: readonly Mutant[] = [
  {
    name: 'send an append with fewer or more entries than it names',
    file: 'replica/turn/outbound.ts',
    find: 'if (entries.length !== count) fail(',
    replace: 'if (entries.length < 0) fail(',
    hunter: 'src/replica/turn/outbound.test.ts',
  },
  {
    name: 'send an append with entries of another place',
    file: 'replica/turn/outbound.ts',
    find: 'if (first !== prev.index + 1) fail(',
    replace: 'if (first < 0) fail(',
    hunter: 'src/replica/turn/outbound.test.ts',
  },
  {
    name: 'report batches durable in any order',
    file: 'replica/turn/persister.ts',
    find: 'if (id <= this.#reported) fail(',
    replace: 'if (id <= 0) fail(',
    hunter: 'src/replica/turn/persister.test.ts',
  },
  {
    name: 'say what a batch promises without its write',
    file: 'replica/turn/persister.ts',
    find: 'if (isWork(item) && item.id > this.#durable) fail(',
    replace: 'if (item.id <= 0) fail(',
    hunter: 'src/replica/turn/persister.test.ts',
  },
  {
    name: 'serve a read from a state that is behind its index',
    file: 'replica/requests/reads.ts',
    find: 'if (applied.index < index) fail(',
    replace: 'if (applied.index < 0) fail(',
    hunter: 'src/replica/requests/reads.test.ts',
  },
  {
    name: 'answer a request twice',
    file: 'replica/requests/asked.ts',
    find: 'assert(!this.#answered,',
    replace: 'assert(this.#reply !== undefined,',
    hunter: 'src/replica/requests/asked.test.ts',
  },
  {
    name: 'take in a snapshot of another cluster',
    file: 'replica/peers/snapshot-exchange.ts',
    find: 'if (chunk.snapshot.clusterId !== cluster.id) {',
    replace: "if (chunk.snapshot.clusterId === '') {",
    hunter: 'src/replica/peers/regressions.test.ts',
  },
  {
    name: 'install a snapshot of another cluster',
    file: 'replica/peers/snapshot-exchange.ts',
    find: 'if (cluster.id !== null && snapshot.clusterId !== cluster.id) {',
    replace: "if (snapshot.clusterId === '') {",
    hunter: 'src/replica/peers/regressions.test.ts',
  },
  {
    name: 'speak after a fault',
    file: 'replica/peers/peers.ts',
    find: 'return this.#context.loop.running && this.#channel?.send(',
    replace: 'return this.#channel?.send(',
    hunter: 'src/replica/peers/peers.test.ts',
  },
  {
    name: 'ask for reads that nobody waits for any more',
    file: 'raft/read-rounds.ts',
    find: '    this.#joined = kept(this.#joined)\n',
    replace: '',
    hunter: 'src/raft/read-rounds.test.ts',
  },
  {
    name: 'remember every member that ever left',
    file: 'replica/peers/directory.ts',
    find: 'if (this.#departed.size <= MAX_PEERS) break',
    replace: 'if (this.#departed.size > 0) break',
    hunter: 'src/replica/peers/directory.test.ts',
  },
  {
    name: 'leave a replica voting whose actor has failed',
    file: 'node/raft-actor.ts',
    find: 'onFault: (error) => replica.fail(error),',
    replace: 'onFault: () => undefined,',
    hunter: 'src/node/raft-actor.test.ts',
  },
]
