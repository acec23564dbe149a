import { MAX_RPC_MESSAGE_SIZE } from '../limits.ts'
import type { Lane, LogStore } from '../ports/index.ts'
import type { AppendRequest, Entry, Message, NodeId } from '../raft/index.ts'
import type { PeerMessage } from '../wire/index.ts'
import type { EntryCache } from './entry-cache.ts'

export interface OutboundOptions {
  readonly log: LogStore
  readonly cache: EntryCache
  /** Hands a message to the link of `to`; false when there is none or its queue is full. */
  readonly transmit: (to: NodeId, message: PeerMessage, lane: Lane) => boolean
  /** True while entries from `first` on are held and this node still leads `term`. */
  readonly isCurrent: (term: number, first: number) => boolean
  readonly failed: (error: Error) => void
}

/**
 * Turns consensus messages into bytes on links. Appends are completed with their entries, from memory or from
 * the log, and leave in order: one that waits for the disk holds back those behind it to the same peer.
 */
export class Outbound {
  readonly #options: OutboundOptions
  readonly #waiting = new Map<NodeId, AppendRequest[]>()

  constructor(options: OutboundOptions) {
    this.#options = options
  }

  send(message: Message): void {
    if (message.type !== 'append') {
      this.#transmit(message, 'priority')
      return
    }
    const waiting = this.#waiting.get(message.to)
    if (waiting === undefined) this.#sendAppend(message)
    else waiting.push(message)
  }

  #sendAppend(message: AppendRequest): void {
    const first = message.prev.index + 1
    if (message.count > 0 && !this.#options.isCurrent(message.term, first)) return
    const entries = this.#options.cache.slice(first, message.count)
    if (entries !== undefined || message.count === 0) {
      this.#transmit({ ...message, entries: entries ?? [] }, 'bulk')
      return
    }
    this.#waiting.set(message.to, [])
    this.#readEntries(message, first, [])
  }

  #readEntries(message: AppendRequest, first: number, sofar: readonly Entry[]): void {
    const end = message.prev.index + message.count
    const cached = this.#options.cache.slice(first, end - first + 1)
    if (cached !== undefined) {
      this.#transmit({ ...message, entries: [...sofar, ...cached] }, 'bulk')
      this.#resume(message.to)
      return
    }
    const last = Math.min(end, Math.max(first, this.#options.cache.first - 1))
    this.#options.log.read(first, last, MAX_RPC_MESSAGE_SIZE, (error, entries) => {
      if (!this.#options.isCurrent(message.term, message.prev.index + 1)) {
        this.#resume(message.to)
        return
      }
      if (error !== undefined) {
        this.#options.failed(error)
        return
      }
      const all = [...sofar, ...entries]
      if (all.length < message.count) {
        this.#readEntries(message, first + entries.length, all)
        return
      }
      this.#transmit({ ...message, entries: all }, 'bulk')
      this.#resume(message.to)
    })
  }

  #resume(to: NodeId): void {
    const waiting = this.#waiting.get(to) ?? []
    this.#waiting.delete(to)
    for (const message of waiting) this.send(message)
  }

  #transmit(message: Message, lane: Lane): void {
    this.#options.transmit(message.to, { type: 'raft', message }, lane)
  }
}
