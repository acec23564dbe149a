/**
 * To whom this node has given itself for a founding: to one at a time. Foundings of sets that overlap so come one after the other at
 * the nodes that they share, and all but the first find a node that belongs to a cluster.
 *
 * In memory: a node that restarts between its consent and the founder's candidacy has forgotten it. A founder that sees the link end asks again.
 *
 * A founder asks in ascending order of the ids, itself first: they wait for each other in no circle.
 */
import { AspenError } from '../../api/index.ts'
import { MAX_ADMIN_REQUESTS } from '../../limits.ts'
import type { NodeId } from '../../raft/index.ts'
import type { Reply } from '../options.ts'

/** A founder founds before its deadline or not at all. This much later its candidacy has come, or is not going to, in milliseconds. */
const CANDIDACY_MS = 2_000

interface Consent {
  /** The key of the founder. */
  readonly to: string
  readonly until: number
}

interface Asked {
  readonly from: string
  readonly deadline: number
  readonly reply: Reply<Uint8Array>
}

const GIVEN = new Uint8Array(0)

export class Consents {
  readonly #id: NodeId
  #given: Consent | null = null
  #asked: Asked[] = []

  constructor(id: NodeId) {
    this.#id = id
  }

  get busy(): boolean {
    return this.#asked.length > 0
  }

  isGiven(now: number): boolean {
    return this.#given !== null && now < this.#given.until
  }

  /** The holder of this key asks for it, and waits. @throws AspenError OVERLOADED */
  ask(from: string, deadline: number, reply: Reply<Uint8Array>): void {
    if (this.#asked.length >= MAX_ADMIN_REQUESTS)
      throw new AspenError('OVERLOADED', `${this.#asked.length} foundings wait for node ${this.#id} already`, { queue: 'admin' })
    this.#asked.push({ from, deadline, reply })
  }

  /** The holder of this key founds nothing after all. */
  release(from: string): void {
    this.#dismiss((asked) => asked.from === from, this.#isWaitedFor())
    if (this.#given?.to === from) this.#given = null
  }

  /** Answers whom it can. This node founds nothing itself now. */
  give(now: number): void {
    this.#dismiss(({ deadline }) => deadline <= now, this.#isWaitedFor())
    for (const asked of this.#asked.splice(0)) {
      if (this.isGiven(now) && this.#given?.to !== asked.from) {
        this.#asked.push(asked)
        continue
      }
      this.#given = { to: asked.from, until: asked.deadline + CANDIDACY_MS }
      asked.reply(undefined, GIVEN)
    }
  }

  /** All who wait hear why not. */
  refuse(error: AspenError): void {
    this.#dismiss(() => true, error)
  }

  #isWaitedFor(): AspenError {
    return new AspenError('DEADLINE_EXCEEDED', `node ${this.#id} is wanted for another cluster; nothing was changed`, {
      node_id: this.#id,
    })
  }

  #dismiss(which: (asked: Asked) => boolean, error: AspenError): void {
    const dismissed = this.#asked.filter(which)
    if (dismissed.length > 0) this.#asked = this.#asked.filter((asked) => !which(asked))
    for (const { reply } of dismissed) reply(error)
  }
}
