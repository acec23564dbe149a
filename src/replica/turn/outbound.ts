import { fail } from '../../lib/index.ts'
import { MAX_RPC_MESSAGE_SIZE } from '../../limits.ts'
import type { Lane, LogStore } from '../../ports/index.ts'
import type { AppendRequest, Entry, Message, NodeId } from '../../raft/index.ts'
import type { PeerMessage } from '../../wire/index.ts'
import type { EntryCache } from './entry-cache.ts'
import type { TurnContext } from './turn-context.ts'

export interface PeerSender {
  /** Hands a message to the link of `to`; false when there is none or its queue is full. */
  send(to: NodeId, message: PeerMessage, lane: Lane): boolean
}

type OutboundContext = TurnContext<'fail', 'term' | 'role' | 'purgedTo'>

/**
 * Turns consensus messages into bytes on links. Appends are completed with their entries, from memory or from
 * the log, and leave in order: one that waits for the disk holds back those behind it to the same peer.
 */
export class Outbound {
  readonly #context: OutboundContext
  readonly #log: LogStore
  readonly #cache: EntryCache
  readonly #peers: PeerSender
  readonly #waiting = new Map<NodeId, AppendRequest[]>()

  constructor(context: OutboundContext, log: LogStore, cache: EntryCache, peers: PeerSender) {
    this.#context = context
    this.#log = log
    this.#cache = cache
    this.#peers = peers
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
    if (message.count > 0 && !this.#isCurrent(message.term, first)) return
    const entries = this.#cache.slice(first, message.count)
    if (entries !== undefined || message.count === 0) {
      this.#transmitAppend(message, entries ?? [])
      return
    }
    this.#waiting.set(message.to, [])
    this.#readEntries(message, first, [])
  }

  #readEntries(message: AppendRequest, first: number, sofar: readonly Entry[]): void {
    const end = message.prev.index + message.count
    const cached = this.#cache.slice(first, end - first + 1)
    if (cached !== undefined) {
      this.#transmitAppend(message, [...sofar, ...cached])
      this.#resume(message.to)
      return
    }
    const last = Math.min(end, Math.max(first, this.#cache.first - 1))
    this.#log.read(first, last, MAX_RPC_MESSAGE_SIZE, (error, entries) => {
      if (!this.#isCurrent(message.term, message.prev.index + 1)) {
        this.#resume(message.to)
        return
      }
      if (error !== undefined) {
        this.#context.loop.fail(error)
        return
      }
      const all = [...sofar, ...entries]
      if (all.length < message.count) {
        this.#readEntries(message, first + entries.length, all)
        return
      }
      this.#transmitAppend(message, all)
      this.#resume(message.to)
    })
  }

  #resume(to: NodeId): void {
    const waiting = this.#waiting.get(to) ?? []
    this.#waiting.delete(to)
    for (const message of waiting) this.send(message)
  }

  /** True while entries from `first` on are held and this node still leads `term`. */
  #isCurrent(term: number, first: number): boolean {
    const { raft } = this.#context
    return raft.term === term && raft.role === 'leader' && first > raft.purgedTo.index
  }

  #transmitAppend(message: AppendRequest, entries: readonly Entry[]): void {
    const { count, prev } = message
    if (entries.length !== count) fail(`an append of ${count} entries was completed with ${entries.length}`)
    const first = entries[0]?.index ?? prev.index + 1
    if (first !== prev.index + 1) fail(`an append behind ${prev.index} was completed with entry ${first}`)
    this.#transmit({ ...message, entries }, 'normal')
  }

  #transmit(message: Message, lane: Lane): void {
    this.#peers.send(message.to, { type: 'raft', message }, lane)
  }
}
