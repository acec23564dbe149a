import { concatBytes, Deque } from '../lib/index.ts'
import type { Claims, Lane } from '../ports/index.ts'
import type { Refusal } from '../wire/index.ts'

/** What travels over a link in memory. */
export type MemoryItem =
  | { readonly kind: 'message'; readonly bytes: Uint8Array }
  | { readonly kind: 'claims'; readonly claims: Claims }
  | { readonly kind: 'goodbye'; readonly reason: Refusal | undefined }

/** One direction of a link: two lanes of what has been sent and not yet received. */
export class MemoryPipe {
  readonly #priority = new Deque<MemoryItem>()
  readonly #bulk = new Deque<MemoryItem>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** False when the message does not fit. The bytes are copied: they are the receiver's. */
  send(parts: readonly Uint8Array[], lane: Lane): boolean {
    const bytes = concatBytes(parts)
    if (this.#bytes + bytes.length > this.#maxBytes) return false
    this.#bytes += bytes.length
    const queue = lane === 'priority' ? this.#priority : this.#bulk
    queue.push({ kind: 'message', bytes })
    return true
  }

  announce(claims: Claims): void {
    this.#priority.push({ kind: 'claims', claims })
  }

  /** Behind everything sent before. */
  finish(reason: Refusal | undefined): void {
    this.#bulk.push({ kind: 'goodbye', reason })
  }

  receive(): MemoryItem | undefined {
    const item = this.#priority.shift() ?? this.#bulk.shift()
    if (item?.kind === 'message') this.#bytes -= item.bytes.length
    return item
  }
}
