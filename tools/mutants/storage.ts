import type { Mutant } from './mutant.ts'

/** The log on disk, the order of writes, and what a start makes of both. */
export const STORAGE: readonly Mutant[] = [
  {
    name: 'write the log without a sync',
    file: 'storage/log/segmented-log.ts',
    find: 'this.#active.file.writeDurably(this.#position, bytes, done)',
    replace: 'this.#active.file.write(this.#position, bytes, done)',
    hunter: 'power-cuts',
  },
  {
    name: 'promise to peers before the write is done',
    file: 'replica/turn/persister.ts',
    find: 'this.#queue.push({ id, persist, restore, messages: sendOncePersisted, clusterId, bytes })',
    replace:
      'for (const message of sendOncePersisted) this.#outbound.send(message)\n    this.#queue.push({ id, persist, restore, messages: [], clusterId, bytes })',
    hunter: 'power-cuts',
  },
  {
    name: 'report a write as durable when it begins',
    file: 'replica/turn/persister.ts',
    find: 'const startedAt = this.#context.clock.now()\n    this.#busySince = startedAt\n',
    replace:
      'const startedAt = this.#context.clock.now()\n    this.#busySince = startedAt\n    const begun = items.findLast((item) => item.persist !== undefined)\n    if (begun !== undefined) this.#persisted(begun.id)\n',
    hunter: 'power-cuts',
  },
  {
    name: 'let the log go on after a failed write',
    file: 'storage/log/segmented-log.ts',
    find: 'this.#busy = false\n    this.#error ??= error\n',
    replace: 'this.#busy = false\n',
    hunter: 'test/contracts/log-store-failure.test.ts',
  },
  {
    name: 'vouch for a last frame that was read and not written again',
    file: 'storage/log/recover-log.ts',
    find: 'segment.file.writeDurablySync(from, last)\n',
    replace: '',
    hunter: 'test/contracts/log-store-failed-sync.test.ts',
  },
  {
    name: 'leave a torn tail as it is',
    file: 'storage/log/recover-log.ts',
    find: 'const bytes = new Uint8Array(Math.max(end - position, markerSize))',
    replace: 'const bytes = new Uint8Array(markerSize)',
    hunter: 'test/contracts/log-store-damage.test.ts',
  },
  {
    name: 'accept a record whose checksum is wrong',
    file: 'storage/log/frame.ts',
    find: 'return view.getUint32(at, true) === crc32(bytes.subarray(at + 4, recordEnd), seed) ? recordEnd : undefined',
    replace: 'return recordEnd',
    hunter: 'power-cuts',
  },
  {
    name: 'start on a log that has forgotten what was promised',
    file: 'storage/log/segmented-log.ts',
    find: '  assertTrusted(disk, prefix)\n',
    replace: '',
    hunter: 'test/contracts/log-store.test.ts',
  },
  {
    name: 'let a node that has forgotten what it promised end without a mark',
    file: 'replica/replica.ts',
    find: 'if (error instanceof ForgottenPromise) markForgotten({ log, clock, logger }, error, () => onFatal(error))\n    else onFatal(error)',
    replace: 'onFatal(error)',
    hunter: 'test/cluster/old-disk.test.ts',
  },
  {
    name: 'wait for ever for a disk that does not take the mark',
    file: 'replica/forgotten-promise.ts',
    find: 'end(`not written within ',
    replace: 'void (`not written within ',
    hunter: 'src/replica/forgotten-promise.test.ts',
  },
  {
    name: 'leave truncations out of the log on disk',
    file: 'storage/log/segmented-log.ts',
    find: 'this.#encoder.truncate(kept)\n',
    replace: '',
    hunter: 'cluster',
  },
  {
    name: 'keep truncated entries in the cache',
    file: 'replica/turn/entry-cache.ts',
    find: 'while (this.#entries.length > 0 && this.#first + this.#entries.length > index) {',
    replace: 'while (this.#entries.length > 0 && this.#first + this.#entries.length > index + 1) {',
    hunter: 'cluster',
  },
  {
    name: 'send entries of another term from the log',
    file: 'replica/turn/outbound.ts',
    find: 'if (message.count > 0 && !this.#isCurrent(message.term, first)) return\n',
    replace: '',
    hunter: 'src/replica/turn/outbound.test.ts',
  },
  {
    name: 'purge what the state machine has not made durable',
    file: 'replica/turn/log-retention.ts',
    find: 'Math.min(this.#parts.stateMachine.durableIndex(), this.#unheld(unneeded))',
    replace: 'this.#unheld(unneeded)',
    hunter: 'snapshots',
  },
  {
    name: "purge past a follower's need",
    file: 'replica/turn/log-retention.ts',
    find: 'if (held >= unneeded) return unneeded\n',
    replace: 'if (held >= 0) return unneeded\n',
    hunter: 'src/replica/turn/log-retention.test.ts',
  },
]
