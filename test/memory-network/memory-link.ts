import { concatBytes, Deque } from '../../src/lib/index.ts'
import type { ChannelKind, Claims, Lane, LinkRefusal } from '../../src/ports/index.ts'

/** What travels over a link in memory. */
export type MemoryItem =
  | { readonly kind: 'message'; readonly channel: number; readonly bytes: Uint8Array }
  | { readonly kind: 'claims'; readonly claims: Claims }
  | { readonly kind: 'goodbye'; readonly reason: LinkRefusal | undefined }

/** One direction of a link: lanes of what has been sent and not yet received. */
export class MemoryPipe {
  readonly #priority = new Deque<MemoryItem>()
  readonly #normal = new Deque<MemoryItem>()
  readonly #bulk = new Deque<MemoryItem>()
  readonly #last = new Deque<MemoryItem>()
  readonly #maxBytes: number
  readonly #bytesOf = new Map<number, number>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** False when the message does not fit. The bytes are copied: they are the receiver's. */
  send(parts: readonly Uint8Array[], lane: Lane, kind: ChannelKind): boolean {
    const bytes = concatBytes(parts)
    const ofChannel = (this.#bytesOf.get(kind.id) ?? 0) + bytes.length
    if (this.#bytes + bytes.length > this.#maxBytes || ofChannel > kind.maxQueueBytes) return false
    this.#bytes += bytes.length
    this.#bytesOf.set(kind.id, ofChannel)
    const queue = { priority: this.#priority, normal: this.#normal, bulk: this.#bulk }[lane]
    queue.push({ kind: 'message', channel: kind.id, bytes })
    return true
  }

  announce(claims: Claims): void {
    this.#priority.push({ kind: 'claims', claims })
  }

  /** Behind everything sent before. */
  finish(reason: LinkRefusal | undefined): void {
    this.#last.push({ kind: 'goodbye', reason })
  }

  receive(): MemoryItem | undefined {
    const item = this.#priority.shift() ?? this.#normal.shift() ?? this.#bulk.shift() ?? this.#last.shift()
    if (item?.kind === 'message') {
      this.#bytes -= item.bytes.length
      this.#bytesOf.set(item.channel, (this.#bytesOf.get(item.channel) ?? 0) - item.bytes.length)
    }
    return item
  }
}
