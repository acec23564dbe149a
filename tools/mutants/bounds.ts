import type { Mutant } from './mutant.ts'

const PROGRESS = { file: 'raft/progress.ts', hunter: 'src/raft/progress.test.ts' } as const
const NODE = 'test/node/bounds.test.ts'
const FORWARDER = { file: 'replica/requests/forwarder.ts', hunter: NODE } as const
const PROPOSALS = { file: 'replica/requests/proposals.ts', hunter: NODE } as const
const CACHE = { file: 'replica/turn/entry-cache.ts', hunter: 'src/replica/turn/entry-cache.test.ts' } as const
const QUEUE = { file: 'wire/frame-queue.ts', hunter: 'src/wire/frame-queue.test.ts' } as const
const CLIENTS = { file: 'faces/links/client-service.ts', hunter: NODE } as const

/** Bytes counted wrongly towards a bound: never given back, twice, or with something left out. */
export const BOUNDS: readonly Mutant[] = [
  {
    ...PROGRESS,
    name: 'never give back what a peer has acknowledged',
    find: 'this.#inflightBytes -= first.bytes',
    replace: 'this.#inflightBytes -= 0',
  },
  {
    ...PROGRESS,
    name: 'count what is sent to a peer twice',
    find: 'this.#inflightBytes += bytes',
    replace: 'this.#inflightBytes += 2 * bytes',
  },
  {
    ...PROGRESS,
    name: 'go on counting what was on its way to a peer whose link was lost',
    find: 'this.#inflightBytes = 0',
    replace: 'this.#inflightBytes *= 1',
  },
  {
    ...PROGRESS,
    name: 'send one append more than the bytes to a peer allow',
    find: 'this.#inflightBytes >= this.#limits.inflightBytes',
    replace: 'this.#inflightBytes > this.#limits.inflightBytes',
  },
  {
    name: 'send to a peer without looking at what is unanswered',
    file: 'raft/leader.ts',
    find: 'while (progress.next <= state.log.lastIndex && !progress.full) {',
    replace: 'while (progress.next <= state.log.lastIndex) {',
    hunter: NODE,
  },
  {
    name: 'count the last entry of each append alone towards what is unanswered',
    file: 'raft/leader.ts',
    find: 'bytes += state.log.sizeAt(next + i)',
    replace: 'bytes = state.log.sizeAt(next + i)',
    hunter: 'test/raft/send-limits.test.ts',
  },
  {
    ...FORWARDER,
    name: 'never give back the bytes of those who waited for the leader',
    find: 'this.#bytes -= body.length',
    replace: 'this.#bytes -= 0',
  },
  {
    ...FORWARDER,
    name: 'count those who wait for the leader twice',
    find: 'this.#bytes += body.length',
    replace: 'this.#bytes += 2 * body.length',
  },
  {
    ...PROPOSALS,
    name: 'never give back the bytes of what was applied',
    find: 'this.#bytes -= waiter.bytes',
    replace: 'this.#bytes -= 0',
  },
  {
    ...PROPOSALS,
    name: 'count a proposal twice',
    find: 'this.#bytes += proposal.bytes',
    replace: 'this.#bytes += 2 * proposal.bytes',
  },
  {
    ...CACHE,
    name: 'never give back the bytes of entries that were overwritten',
    find: 'this.#bytes -= costOf(this.#entries.pop() as Entry)',
    replace: 'this.#entries.pop()',
  },
  {
    ...CACHE,
    name: 'leave out what an entry takes beside its payload when it is dropped',
    find: 'this.#bytes -= costOf(this.#entries.shift() as Entry)',
    replace: 'this.#bytes -= (this.#entries.shift() as Entry).payload.length',
  },
  {
    ...QUEUE,
    name: 'count frames towards the window without their headers',
    find: 'this.#counted += size',
    replace: 'this.#counted += payload',
  },
  {
    ...QUEUE,
    name: 'never give back the share of who uses a link',
    find: '(this.#costs[share.id] ?? 0) - size - MESSAGE_OVERHEAD',
    replace: 'this.#costs[share.id] ?? 0',
  },
  {
    name: 'never tell a peer that its bytes are read',
    file: 'net/link/link.ts',
    find: 'this.#queue.acknowledge(this.#counted)',
    replace: 'this.#queue.acknowledge(0)',
    hunter: 'test/contracts/transport-direct.test.ts',
  },
  {
    ...CLIENTS,
    name: 'never give back the bytes of the requests of clients',
    find: 'this.#requestBytes -= size',
    replace: 'this.#requestBytes -= 0',
  },
  {
    ...CLIENTS,
    name: 'count the requests of clients twice',
    find: 'this.#requestBytes += size',
    replace: 'this.#requestBytes += 2 * size',
  },
  {
    name: 'write more at a time than a write may have',
    file: 'replica/turn/persister.ts',
    find: 'bytes += item.bytes',
    replace: 'bytes = item.bytes',
    hunter: 'src/replica/turn/persister.test.ts',
  },
  {
    name: 'count the bytes between two checkpoints wrongly',
    file: 'replica/turn/log-retention.ts',
    find: 'this.#bytes += bytes',
    replace: 'this.#bytes = bytes',
    hunter: 'src/replica/turn/log-retention.test.ts',
  },
]
