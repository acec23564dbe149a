/**
 * What one node has to do with the actors of one peer, for as long as both have their part in the channel of a link.
 *
 * It begins with hellos: each end says its versions and a number of its own, and repeats the number that it heard. What comes before the peer has
 * repeated this node's number is of a former talk, and is not heard. Whatever a peer says that it may not say ends the talk; it is not taken up
 * again before the link, or the peer's part in it, is another one.
 */
import { WireError } from '../../lib/index.ts'
import { REMOTE_CREDIT_BYTES, REMOTE_CREDIT_MESSAGES } from '../../limits.ts'
import type { Runtime } from '../runtime.ts'
import { Asking } from './asking.ts'
import type { HeldBytes } from './held-bytes.ts'
import { Outgoing } from './outgoing.ts'
import { Serving } from './serving.ts'
import { readBatch } from './read-batch.ts'
import { ACTOR_PROTOCOL, ACTOR_VERSIONS } from './statements.ts'
import { writeBye, writeGroup, writeHello } from './write-statements.ts'
import type { ActorHello, ActorVersions, Ended, Listener, WireCall, WireRefusal } from './statements.ts'

/** Hellos that a peer may say in one talk: two do, and a few more come from a former one. */
const MAX_HELLOS = 32

/** Whose talks they are, each with a peer of its own. */
export interface TalkOwner {
  /** Of the messages of all peers, and over all talks with each. */
  readonly held: HeldBytes
  /** Hands a batch to the link; false when its queue is full. */
  send(endpointId: string, parts: readonly Uint8Array[]): boolean
  /** From here on the peer hears, and is heard. */
  begun(endpointId: string, talk: Talk): void
  /** It has ended before its link has. `isAtFault` when the peer has said or done what it may not. */
  ended(endpointId: string, words: string, isAtFault: boolean): void
  /** The peer has sent what it had no credit for. */
  overdrawn(endpointId: string): void
  lives(endpointId: string, name: string, down: Ended | null): void
  group(endpointId: string, group: string, name: string, isMember: boolean): void
}

export interface TalkOptions {
  readonly runtime: Runtime
  readonly owner: TalkOwner
  readonly endpointId: string
  /** What the peer is called in errors: `node 3`. */
  readonly peer: string
  /** Those of this program when absent. */
  readonly versions?: ActorVersions
}

/** Of a talk that begins at this time, in milliseconds: no two with one peer begin at the same. Nothing is drawn, so that no run of anything else is another one for it. */
function numberAt(now: number): number {
  return 1 + (Math.floor(Math.abs(now) * 1_000) % (2 ** 32 - 1))
}

type Phase = 'greeting' | 'talking' | 'over'

export class Talk implements Listener {
  readonly asking: Asking
  readonly #serving: Serving
  readonly #outgoing: Outgoing
  readonly #owner: TalkOwner
  readonly #endpointId: string
  readonly #peer: string
  readonly #versions: ActorVersions
  /** This end's number, and the other's: 0 as long as it is not known. */
  readonly #own: number
  #theirs = 0
  #hellos = 0
  #phase: Phase = 'greeting'
  /** Why there is no talking. */
  #words: string

  constructor({ runtime, owner, endpointId, peer, versions = ACTOR_VERSIONS }: TalkOptions) {
    this.#owner = owner
    this.#endpointId = endpointId
    this.#peer = peer
    this.#versions = versions
    this.#words = `${peer} has not said that it speaks ${ACTOR_PROTOCOL}`
    this.#own = numberAt(runtime.clock.now())
    this.#outgoing = new Outgoing({
      runtime,
      send: (parts) => owner.send(endpointId, parts),
      unblocked: () => this.asking.goOn(),
      overrun: () => this.cut('it does not take what it asked for'),
    })
    this.asking = new Asking(runtime, this.#outgoing, peer)
    this.#serving = new Serving({
      runtime,
      outgoing: this.#outgoing,
      endpointId,
      held: owner.held,
      cut: (words) => this.cut(words),
      overdrawn: () => owner.overdrawn(endpointId),
    })
    this.#greet()
  }

  get isTalking(): boolean {
    return this.#phase === 'talking'
  }

  /** Why nothing can be said, in words. */
  get silence(): string {
    return this.#words
  }

  tellGroup(group: string, name: string, isMember: boolean): void {
    writeGroup(this.#outgoing.batch(), group, name, isMember)
  }

  message(bytes: Uint8Array): void {
    if (this.#phase === 'over') return
    try {
      readBatch(bytes, this)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.cut(error.message)
    }
  }

  /** The link is gone, or the peer's part in it. */
  end(words: string): void {
    if (this.#phase !== 'over') this.#over(words)
  }

  // --- Hellos ---

  #greet(): void {
    const hello = {
      talk: this.#own,
      heard: this.#theirs,
      creditMessages: REMOTE_CREDIT_MESSAGES,
      creditBytes: REMOTE_CREDIT_BYTES,
    }
    writeHello(this.#outgoing.batch(), hello, this.#versions)
  }

  hello({ versions, talk, heard, creditMessages, creditBytes }: ActorHello): void {
    if (++this.#hellos > MAX_HELLOS) throw new WireError(`more than ${MAX_HELLOS} hellos`)
    const isNew = talk !== this.#theirs
    if (isNew && this.#phase === 'talking') throw new WireError('another hello in the middle of the talk')
    this.#theirs = talk
    if (isNew || heard !== this.#own) this.#greet()
    if (Math.min(versions.max, this.#versions.max) < Math.max(versions.min, this.#versions.min)) return this.#disagree(versions)
    if (heard !== this.#own || this.#phase === 'talking') return
    this.#phase = 'talking'
    this.asking.granted(creditMessages, creditBytes)
    this.#owner.begun(this.#endpointId, this)
  }

  #disagree({ min, max }: ActorVersions): void {
    const own = this.#versions
    const words = `${this.#peer} speaks versions ${min} to ${max} of ${ACTOR_PROTOCOL}, and this node ${own.min} to ${own.max}`
    // The other end finds out by itself: it has heard the same hello.
    this.#outgoing.flushNow()
    this.#over(words)
    this.#owner.ended(this.#endpointId, words, false)
  }

  // --- What the peer says ---

  get listens(): boolean {
    return this.#phase !== 'over'
  }

  bye(words: string): void {
    const said = `${this.#peer} has ended the talk of actors: ${words}`
    this.#over(said)
    this.#owner.ended(this.#endpointId, said, false)
  }

  open(stream: number, name: string): void {
    if (this.#phase === 'talking') this.#serving.open(stream, name)
  }

  close(stream: number): void {
    if (this.#phase === 'talking') this.#serving.close(stream)
  }

  cast(stream: number, message: string, body: Uint8Array): void {
    if (this.#phase === 'talking') this.#serving.cast(stream, message, body)
  }

  call(call: WireCall): void {
    if (this.#phase === 'talking') this.#serving.call(call)
  }

  answer(id: number, body: Uint8Array): void {
    if (this.#phase === 'talking') this.asking.answer(id, body)
  }

  refusal(id: number, refusal: WireRefusal): void {
    if (this.#phase === 'talking') this.asking.refusal(id, refusal)
  }

  credit(stream: number, messages: number, bytes: number): void {
    if (this.#phase === 'talking') this.asking.credit(stream, messages, bytes)
  }

  watch(stream: number, isOn: boolean): void {
    if (this.#phase === 'talking') this.#serving.watch(stream, isOn)
  }

  lives(stream: number, down: Ended | null): void {
    if (this.#phase !== 'talking') return
    const name = this.asking.watched(stream)
    if (name !== null) this.#owner.lives(this.#endpointId, name, down)
  }

  group(group: string, name: string, isMember: boolean): void {
    if (this.#phase === 'talking') this.#owner.group(this.#endpointId, group, name, isMember)
  }

  // --- The end ---

  /** The peer does what it may not: it is told so, and heard no more. */
  cut(words: string): void {
    if (this.#phase === 'over') return
    // First of all: what it says last may be what is too much.
    this.#phase = 'over'
    writeBye(this.#outgoing.batch(), words)
    this.#outgoing.flushNow()
    this.#over(`the talk with the actors of ${this.#peer} has been ended: ${words}`)
    this.#owner.ended(this.#endpointId, words, true)
  }

  #over(words: string): void {
    this.#phase = 'over'
    this.#words = words
    this.#outgoing.close()
    this.#serving.end()
    this.asking.end(words)
  }
}
