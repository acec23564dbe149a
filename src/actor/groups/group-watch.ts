import type { Handlers } from '../protocol.ts'
import type { Messenger } from '../reference.ts'
import type { RunQueue, Runnable } from '../run-queue.ts'
import type { Watch } from '../target.ts'

/** One of a group. */
export interface GroupMember<H extends Handlers = Handlers> {
  /** The node it is on; null: this one. */
  readonly node: number | null
  /** What it is registered as there. */
  readonly name: string
  readonly ref: Messenger<H>
}

/** Why a member is none any more: it left, or is gone for good; or its node is not linked, and nothing is known of it. */
export type LeaveReason = 'left' | 'unreachable'

export type GroupEvent<H extends Handlers = Handlers> =
  | { readonly type: 'joined'; readonly member: GroupMember<H> }
  | { readonly type: 'left'; readonly member: GroupMember<H>; readonly reason: LeaveReason }

/** What became of one member since its listener was told last. */
interface News {
  left: GroupMember | null
  reason: LeaveReason
  joined: GroupMember | null
}

/**
 * Tells a listener who joined and left, in a turn of its own. Who came and went meanwhile is left out, so that no more waits than there are members.
 */
export class GroupWatch implements Watch, Runnable {
  readonly #listener: (event: GroupEvent) => void
  readonly #runQueue: RunQueue
  readonly #failed: (error: unknown) => void
  readonly #cancel: () => void
  #news = new Map<string, News>()
  #queued = false
  #cancelled = false

  constructor(
    listener: (event: GroupEvent) => void,
    runQueue: RunQueue,
    { failed, cancel }: { readonly failed: (error: unknown) => void; readonly cancel: (watch: GroupWatch) => void },
  ) {
    this.#listener = listener
    this.#runQueue = runQueue
    this.#failed = failed
    this.#cancel = () => cancel(this)
  }

  joined(key: string, member: GroupMember): void {
    this.#newsOf(key).joined = member
  }

  left(key: string, member: GroupMember, reason: LeaveReason): void {
    const news = this.#newsOf(key)
    news.reason = reason
    if (news.joined === null) news.left = member
    else if (news.left === null) this.#news.delete(key)
    else news.joined = null
  }

  #newsOf(key: string): News {
    let news = this.#news.get(key)
    if (news === undefined) {
      news = { left: null, reason: 'left', joined: null }
      this.#news.set(key, news)
      if (!this.#queued) this.#runQueue.add(this)
      this.#queued = true
    }
    return news
  }

  run(): boolean {
    this.#queued = false
    const news = this.#news
    this.#news = new Map()
    for (const { left, reason, joined } of news.values()) {
      if (left !== null) this.#tell({ type: 'left', member: left, reason })
      if (joined !== null) this.#tell({ type: 'joined', member: joined })
    }
    return false
  }

  #tell(event: GroupEvent): void {
    if (this.#cancelled) return
    try {
      this.#listener(event)
    } catch (error) {
      this.#failed(error)
    }
  }

  cancel(): void {
    this.#cancelled = true
    this.#news = new Map()
    this.#cancel()
  }
}
