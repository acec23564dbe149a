import { Mailbox } from './mailbox.ts'

export interface ActorOptions<Message> {
  readonly capacity: number
  /** Runs `run` after the input at hand has been taken in. */
  readonly defer: (run: () => void) => void
  /** Handles one message, and never waits: what takes time answers later. */
  readonly receive: (message: Message) => void
  /** `receive` threw. The actor takes no more messages. */
  readonly onFault: (error: Error) => void
  /** A message was in the mailbox when the actor failed, and will not be handled. */
  readonly dropped: (message: Message) => void
}

/** What can be seen of an actor. */
export interface ActorStatus {
  readonly depth: number
  readonly capacity: number
  readonly refused: number
  /** How often it has emptied its mailbox. It moves while the actor lives, and messages come. */
  readonly turns: number
  readonly faulty: boolean
}

/** Isolated and sequential: messages come through a bounded mailbox and are handled one at a time, in order. */
export class Actor<Message> {
  readonly #options: ActorOptions<Message>
  readonly #mailbox: Mailbox<Message>
  #scheduled = false
  #turns = 0
  #faulty = false

  constructor(options: ActorOptions<Message>) {
    this.#options = options
    this.#mailbox = new Mailbox(options.capacity)
  }

  /**
   * Hands a message over; false when the mailbox is full or the actor is faulty, and the message was not taken. `reserve` is room
   * that this message may use beyond the capacity.
   */
  send(message: Message, reserve = 0): boolean {
    if (this.#faulty || !this.#mailbox.offer(message, reserve)) return false
    if (!this.#scheduled) {
      this.#scheduled = true
      this.#options.defer(() => this.#turn())
    }
    return true
  }

  get status(): ActorStatus {
    const { depth, capacity, refused } = this.#mailbox
    return { depth, capacity, refused, turns: this.#turns, faulty: this.#faulty }
  }

  #turn(): void {
    this.#scheduled = false
    this.#turns++
    // Those that come while these are handled wait for the next turn, so that other work gets its own.
    for (let left = this.#mailbox.depth; left > 0 && !this.#faulty; left--) this.#handle(this.#mailbox.take() as Message)
    if (this.#mailbox.depth > 0 && !this.#faulty && !this.#scheduled) {
      this.#scheduled = true
      this.#options.defer(() => this.#turn())
    }
  }

  #handle(message: Message): void {
    try {
      this.#options.receive(message)
    } catch (error) {
      this.#faulty = true
      this.#options.onFault(error instanceof Error ? error : new Error(String(error)))
      for (let left = this.#mailbox.take(); left !== undefined; left = this.#mailbox.take()) this.#options.dropped(left)
    }
  }
}
