/**
 * What the actors of this node do for a peer: its messages are handed to them, in the order in which they came, and answers go back.
 *
 * Invariants: what is held of a peer's messages is no more than its credit, and within the bounds of its key and of all peers, whatever it sends;
 * what waits is as it came, and is unpacked when it is in hand; each message gives its credit back once, when it is
 * handled or never will be; each call is answered once at most.
 */
import { WireError } from '../../lib/index.ts'
import {
  MAX_REMOTE_CALL_MS,
  MAX_REMOTE_CALLS,
  MAX_REMOTE_STREAMS,
  REMOTE_CREDIT_BYTES,
  REMOTE_CREDIT_MESSAGES,
} from '../../limits.ts'
import { ActorError } from '../actor-error.ts'
import { Parcel, Sealed } from '../elsewhere.ts'
import { decodePlainData, encodePlainData, PlainDataError } from '../plain-data/index.ts'
import type { Cell } from '../cell.ts'
import type { Runtime } from '../runtime.ts'
import { RemoteCaller, RemoteCaster } from './askers.ts'
import type { Holder } from './askers.ts'
import { costOf, mayHold } from './credit.ts'
import type { HeldBytes } from './held-bytes.ts'
import { NamedLives } from './named-lives.ts'
import type { Outgoing } from './outgoing.ts'
import { NO_FACTS } from './statements.ts'
import { writeAnswer, writeCredit, writeLives, writeRefusal } from './write-statements.ts'
import type { WireCall, WireRefusal } from './statements.ts'

/** An answer of so many bytes takes no more room than a word in its place. */
const SHORT_ANSWER_BYTES = 256

/** One actor of this node, as the peer writes to it. */
class InStream implements Holder {
  readonly id: number
  readonly name: string
  /** Held: neither handled nor dropped. */
  messages = 0
  bytes = 0
  /** Credit to give back. */
  owedMessages = 0
  owedBytes = 0
  lives: NamedLives | null = null
  readonly #owes: (stream: InStream, bytes: number) => void

  constructor(id: number, name: string, owes: (stream: InStream, bytes: number) => void) {
    this.id = id
    this.name = name
    this.#owes = owes
  }

  released(bytes: number): void {
    this.#owes(this, bytes)
  }
}

export interface ServingOptions {
  readonly runtime: Runtime
  readonly outgoing: Outgoing
  /** The key of the peer. */
  readonly endpointId: string
  /** Of all peers. */
  readonly held: HeldBytes
  /** The peer has said what it may not, in words. */
  readonly cut: (words: string) => void
  /** The peer has sent what it had no credit for. */
  readonly overdrawn: () => void
}

export class Serving {
  readonly #runtime: Runtime
  readonly #outgoing: Outgoing
  readonly #endpointId: string
  readonly #allHeld: HeldBytes
  readonly #cut: (words: string) => void
  readonly #overdrawn: () => void
  readonly #streams = new Map<number, InStream>()
  #lastStream = 0
  #lastCall = 0
  /** Bytes of all messages that are held. */
  #held = 0
  /** Calls that have neither an answer nor a refusal. */
  #open = 0
  /** Those of them that wait for what their handler has promised. */
  readonly #kept = new Set<RemoteCaller>()
  readonly #owing = new Set<InStream>()
  #isOver = false

  constructor({ runtime, outgoing, endpointId, held, cut, overdrawn }: ServingOptions) {
    this.#runtime = runtime
    this.#outgoing = outgoing
    this.#endpointId = endpointId
    this.#allHeld = held
    this.#cut = cut
    this.#overdrawn = overdrawn
  }

  get isOver(): boolean {
    return this.#isOver
  }

  now(): number {
    return this.#runtime.clock.now()
  }

  // --- What the peer says ---

  open(id: number, name: string): void {
    if (id <= this.#lastStream || this.#streams.size >= MAX_REMOTE_STREAMS)
      throw new WireError(`stream ${id} is opened, behind ${this.#lastStream} and with ${this.#streams.size} open`)
    this.#lastStream = id
    this.#streams.set(id, new InStream(id, name, this.#owes))
  }

  close(id: number): void {
    this.#stream(id).lives?.cancel()
    this.#streams.delete(id)
  }

  #stream(id: number): InStream {
    const stream = this.#streams.get(id)
    if (stream === undefined) throw new WireError(`a message on stream ${id}, which is not open`)
    return stream
  }

  cast(id: number, message: string, body: Uint8Array): void {
    const stream = this.#stream(id)
    const bytes = costOf(body)
    if (!this.#mayHold(stream, bytes)) return this.#overdrawn()
    const cell = this.#runtime.names.get(stream.name)
    const content = this.#contentFor(cell, body, false)
    this.#hold(stream, bytes)
    const caster = new RemoteCaster(stream, bytes, (error) =>
      this.#runtime.report({ path: `@/${stream.name}`, event: 'refused', error }),
    )
    if (cell === undefined) caster.refuse(nobody(stream, message))
    else cell.deliver(message, content, caster)
  }

  call({ stream: streamId, id, remainingMs, message, body }: WireCall): void {
    const stream = this.#stream(streamId)
    if (id <= this.#lastCall) throw new WireError(`call ${id} behind call ${this.#lastCall}`)
    this.#lastCall = id
    const bytes = costOf(body)
    const isHeld = this.#mayHold(stream, bytes)
    if (!isHeld || this.#open >= MAX_REMOTE_CALLS) return this.#turnAway(stream, id, bytes, isHeld)
    const cell = this.#runtime.names.get(stream.name)
    const content = this.#contentFor(cell, body, true)
    this.#hold(stream, bytes)
    this.#open++
    const until = this.now() + Math.min(remainingMs, MAX_REMOTE_CALL_MS)
    const caller = new RemoteCaller(this, stream, { id, bytes, until, cell })
    if (cell === undefined) caller.refuse(nobody(stream, message))
    else cell.deliver(message, content, caller)
  }

  #turnAway(stream: InStream, id: number, bytes: number, isHeld: boolean): void {
    if (isHeld) {
      this.#hold(stream, bytes)
      stream.released(bytes)
    } else this.#overdrawn()
    const words = isHeld
      ? `${MAX_REMOTE_CALLS} calls of one node are open already`
      : 'its node had no credit for it, or too much of its messages waits here'
    this.refuse(id, { code: 'OVERLOADED', begun: false, words: `${words}: it was not handled`, facts: NO_FACTS })
  }

  #mayHold(stream: InStream, size: number): boolean {
    if (!this.#allHeld.mayHold(this.#endpointId, size)) return false
    return mayHold(stream, size, { messages: REMOTE_CREDIT_MESSAGES, bytes: REMOTE_CREDIT_BYTES, heldBytes: this.#held })
  }

  #hold(stream: InStream, bytes: number): void {
    stream.messages++
    stream.bytes += bytes
    this.#held += bytes
    this.#allHeld.hold(this.#endpointId, bytes)
  }

  /** What a thread is given is plain data for certain, and waits packed. @throws WireError */
  #contentFor(cell: Cell | undefined, body: Uint8Array, wantsAnswer: boolean): Parcel | Sealed | null {
    if (cell === undefined) return null
    return cell.isElsewhere ? new Parcel(decodePlainData(body), wantsAnswer) : new Sealed(body, this.#spoiled)
  }

  readonly #spoiled = (error: WireError): void => {
    // Not with an actor's message in hand.
    this.#runtime.runQueue.soon(() => this.#cut(error.message))
  }

  watch(id: number, isOn: boolean): void {
    const stream = this.#stream(id)
    stream.lives?.cancel()
    stream.lives = null
    if (!isOn) return
    stream.lives = new NamedLives(this.#runtime.names, stream.name, (event) => {
      if (!this.#isOver) writeLives(this.#outgoing.batch(), id, event.type === 'up' ? null : event)
    })
  }

  // --- What becomes of messages ---

  readonly #owes = (stream: InStream, bytes: number): void => {
    stream.messages--
    stream.bytes -= bytes
    this.#held -= bytes
    this.#allHeld.release(this.#endpointId, bytes)
    stream.owedMessages++
    stream.owedBytes += bytes
    if (this.#isOver) return
    if (this.#owing.size === 0) this.#runtime.runQueue.soon(this.#giveBack)
    this.#owing.add(stream)
  }

  /** Once for all that was handled in a turn. */
  readonly #giveBack = (): void => {
    for (const stream of this.#owing) {
      const { owedMessages, owedBytes } = stream
      stream.owedMessages = 0
      stream.owedBytes = 0
      if (this.#streams.has(stream.id) && !this.#isOver) writeCredit(this.#outgoing.batch(), stream.id, owedMessages, owedBytes)
    }
    this.#owing.clear()
  }

  answer(id: number, value: unknown): void {
    let body: Uint8Array
    try {
      body = encodePlainData(value, 'answer')
    } catch (error) {
      if (!(error instanceof PlainDataError)) throw error
      return this.refuse(id, { code: 'UNSENDABLE', begun: true, words: error.message, facts: NO_FACTS })
    }
    if (body.length > SHORT_ANSWER_BYTES && !this.#outgoing.hasRoomForAnswer) {
      const words = 'it was handled, but the link has no room for its answer: its caller reads too slowly'
      return this.refuse(id, { code: 'OVERLOADED', begun: true, words, facts: NO_FACTS })
    }
    if (!this.#isOver) writeAnswer(this.#outgoing.batch(), id, body)
  }

  refuse(id: number, refusal: WireRefusal): void {
    if (!this.#isOver) writeRefusal(this.#outgoing.batch(), id, refusal)
  }

  /** A call that is answered later, if it is: its peer gives it up at `until`. */
  keep(caller: RemoteCaller, until: number): void {
    // Few different times: each is a list of its own.
    const leftMs = Math.max(1, until - this.now())
    this.#runtime.deadlines.add(caller, 2 ** Math.ceil(Math.log2(leftMs)))
    this.#kept.add(caller)
  }

  settled(caller: RemoteCaller): void {
    this.#runtime.deadlines.remove(caller)
    this.#kept.delete(caller)
    this.#open--
  }

  /**
   * Nothing is said any more. What was handed over is handled, but for calls, whose callers were told that it may have been; and nobody waits for
   * the answers to those that were.
   */
  end(): void {
    this.#isOver = true
    for (const { lives } of this.#streams.values()) lives?.cancel()
    this.#streams.clear()
    for (const caller of this.#kept) caller.expired()
  }
}

function nobody({ name }: InStream, message: string): ActorError {
  return new ActorError('DOWN', `no actor is registered as ${name}: ${message} was not handled`)
}
