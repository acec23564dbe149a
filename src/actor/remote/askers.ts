import { ActorError } from '../actor-error.ts'
import type { Asker } from '../asker.ts'
import type { Cell } from '../cell.ts'
import { Expiring } from '../deadlines.ts'
import { factsOf } from './refusal-facts.ts'
import { underName } from './remote-errors.ts'
import type { Serving } from './serving.ts'
import { NO_FACTS } from './statements.ts'

/** Whose message it is, as long as it counts against the credit of the peer. */
export interface Holder {
  /** By which the peer knows the actor. */
  readonly name: string
  /** It is handled now, or never will be. */
  released(bytes: number): void
}

/** A peer that wants no answer. */
export class RemoteCaster implements Asker {
  keptBy: Set<Asker> | null = null
  readonly #holder: Holder
  readonly #bytes: number
  readonly #dropped: (error: Error) => void
  #settled = false

  constructor(holder: Holder, bytes: number, dropped: (error: Error) => void) {
    this.#holder = holder
    this.#bytes = bytes
    this.#dropped = dropped
  }

  get settled(): boolean {
    return this.#settled
  }

  begin(): boolean {
    this.#end()
    return true
  }

  answer(): void {
    this.#end()
  }

  refuse(error: Error): void {
    this.#end()
    this.#dropped(error)
  }

  #end(): void {
    if (this.#settled) return
    this.#settled = true
    this.#holder.released(this.#bytes)
  }
}

interface CallFacts {
  readonly id: number
  readonly bytes: number
  /** When the peer gives it up, by the clock of this node. */
  readonly until: number
  /** Whom it is for; nobody has the name when undefined. */
  readonly cell: Cell | undefined
}

/** A peer that waits for an answer. Its deadline is kept by its own clock; here it is only not begun when that is over, and forgotten some time after. */
export class RemoteCaller extends Expiring implements Asker {
  readonly #serving: Serving
  readonly #holder: Holder
  readonly #cell: Cell | undefined
  readonly #id: number
  readonly #bytes: number
  readonly #until: number
  #begun = false
  #settled = false
  #keptBy: Set<Asker> | null = null

  constructor(serving: Serving, holder: Holder, call: CallFacts) {
    super()
    this.#serving = serving
    this.#holder = holder
    this.#cell = call.cell
    this.#id = call.id
    this.#bytes = call.bytes
    this.#until = call.until
  }

  get settled(): boolean {
    return this.#settled
  }

  get keptBy(): Set<Asker> | null {
    return this.#keptBy
  }

  /** Somebody keeps it for later. It is not kept for ever, whatever becomes of the answer. */
  set keptBy(keptBy: Set<Asker> | null) {
    this.#keptBy = keptBy
    if (keptBy !== null && !this.#settled) this.#serving.keep(this, this.#until)
  }

  begin(): boolean {
    if (this.#settled) return false
    if (this.#serving.isOver || this.#serving.now() > this.#until) {
      this.refuse(new ActorError('DEADLINE_EXCEEDED', 'its time was over before its turn came: it was not handled'))
      return false
    }
    this.#begun = true
    this.#holder.released(this.#bytes)
    return true
  }

  answer(value: unknown): void {
    // Later than that he has given up: his time was over before it was here.
    const isLate = this.#serving.now() > this.#until
    if (this.#end() && !isLate) this.#serving.answer(this.#id, value)
  }

  refuse(error: Error): void {
    if (!this.#begun && !this.#settled) this.#holder.released(this.#bytes)
    if (!this.#end()) return
    const { code, begun } = ActorError.is(error) ? error : { code: 'REFUSED' as const, begun: true }
    const facts = code === 'REFUSED' ? factsOf(error) : NO_FACTS
    const own = wordsOf(error)
    const words = code === 'REFUSED' || this.#cell === undefined ? own : underName(own, this.#cell.path, this.#holder.name)
    this.#serving.refuse(this.#id, { code, begun, words, facts })
  }

  override expired(): void {
    this.#end()
  }

  #end(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#keptBy?.delete(this)
    this.#serving.settled(this)
    return true
  }
}

/** Of an error that a handler threw, whatever it made of it. */
function wordsOf(error: Error): string {
  try {
    const message: unknown = error.message
    return typeof message === 'string' ? message : ''
  } catch {
    return ''
  }
}
