import { fail, Deque } from '../lib/index.ts'
import { MAX_MAILBOX_CAPACITY } from '../limits.ts'

/** A bounded queue of messages for one receiver. Full means refused, and counted; nothing is ever dropped in silence. */
export class Mailbox<Message> {
  readonly capacity: number
  readonly #messages = new Deque<Message>()
  #refused = 0

  constructor(capacity: number) {
    if (!(capacity >= 1 && capacity <= MAX_MAILBOX_CAPACITY))
      fail(`a mailbox of ${capacity}: 1 to ${MAX_MAILBOX_CAPACITY} messages are allowed`)
    this.capacity = capacity
  }

  get depth(): number {
    return this.#messages.length
  }

  /** Messages that found the mailbox full. */
  get refused(): number {
    return this.#refused
  }

  /**
   * False when the mailbox is full: the message was not taken. `reserve` is room beyond the capacity, for what must not be
   * kept out by many others.
   */
  offer(message: Message, reserve = 0): boolean {
    if (this.#messages.length >= this.capacity + reserve) {
      this.#refused++
      return false
    }
    this.#messages.push(message)
    return true
  }

  take(): Message | undefined {
    return this.#messages.shift()
  }
}
