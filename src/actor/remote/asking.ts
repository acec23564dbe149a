/**
 * What this node asks of the actors of a peer: messages leave in the order in which they were given, as many as the peer has credit
 * for, and calls wait for their answers.
 *
 * Invariants: a message leaves at most once, and nothing overtakes one that waits for the same actor; a call is settled once, by an answer, its deadline,
 * or the end of the talk; it is said not to have begun only if it never left, or the peer says so.
 */
import { WireError } from '../../lib/index.ts'
import {
  MAX_REMOTE_CALLS,
  MAX_REMOTE_STREAMS,
  MAX_REMOTE_WAITING,
  MAX_REMOTE_WAITING_BYTES,
  REMOTE_CREDIT_BYTES,
  REMOTE_CREDIT_MESSAGES,
} from '../../limits.ts'
import { decodePlainData } from '../plain-data/index.ts'
import type { Runtime } from '../runtime.ts'
import { costOf, mayHold } from './credit.ts'
import type { Outgoing } from './outgoing.ts'
import { refusalFrom } from './refusal-facts.ts'
import { remoteError, sayRemote } from './remote-errors.ts'
import { RemoteCall, RemoteSending } from './requests.ts'
import { writeCall, writeCast, writeClose, writeOpen, writeWatch } from './write-statements.ts'
import type { WireRefusal } from './statements.ts'

/** What of a peer's credit is believed: more would only be memory of its own. */
const MAX_CREDIT_MESSAGES = 1_000_000
const MAX_CREDIT_BYTES = 64 * REMOTE_CREDIT_BYTES

/** A message that waits for credit. */
interface Waiting {
  readonly message: string
  readonly body: Uint8Array
  /** Who is to hear of it. */
  readonly request: RemoteCall | RemoteSending
}

/** One actor of the peer, as it is written to. */
class OutStream {
  readonly id: number
  readonly name: string
  /** Sent, and not handled there yet as far as is known. */
  messages = 0
  bytes = 0
  isWatched = false
  /** The oldest first. */
  readonly waiting = new Map<RemoteCall | RemoteSending, Waiting>()

  constructor(id: number, name: string) {
    this.id = id
    this.name = name
  }

  get isIdle(): boolean {
    return this.messages === 0 && this.waiting.size === 0 && !this.isWatched
  }
}

export class Asking {
  readonly #runtime: Runtime
  readonly #outgoing: Outgoing
  readonly #peer: string
  readonly #streams = new Map<string, OutStream>()
  readonly #byId = new Map<number, OutStream>()
  #lastStream = 0
  /** Streams on which something waits. */
  readonly #stalled = new Set<OutStream>()
  #waitingCount = 0
  #waitingBytes = 0
  /** Bytes sent and not handled yet, of all streams. */
  #held = 0
  #creditMessages = REMOTE_CREDIT_MESSAGES
  #creditBytes = REMOTE_CREDIT_BYTES
  readonly #calls = new Map<number, RemoteCall>()
  #lastCall = 0
  /** Calls that were given up here, and may still be answered. */
  #givenUp = 0

  constructor(runtime: Runtime, outgoing: Outgoing, peer: string) {
    this.#runtime = runtime
    this.#outgoing = outgoing
    this.#peer = peer
  }

  /** What the peer grants to each stream. */
  granted(messages: number, bytes: number): void {
    if (messages > 0) this.#creditMessages = Math.min(messages, MAX_CREDIT_MESSAGES)
    if (bytes > 0) this.#creditBytes = Math.min(bytes, MAX_CREDIT_BYTES)
  }

  // --- Requests ---

  /** False when the peer has no credit for it now. */
  trySend(name: string, message: string, body: Uint8Array): boolean {
    const stream = this.#streamTo(name)
    if (stream === null || !this.#mayGo(stream, costOf(body))) return false
    this.#go(stream, message, body, null)
    return true
  }

  send(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<void> {
    const sending = new RemoteSending(this.#runtime.deadlines, timeoutMs, () => this.#say(message, name))
    this.#request(name, { message, body, request: sending })
    return sending.promise
  }

  call(name: string, message: string, body: Uint8Array, timeoutMs: number): Promise<unknown> {
    const call = new RemoteCall(this.#runtime.deadlines, timeoutMs, () => this.#say(message, name))
    this.#request(name, { message, body, request: call })
    return call.promise
  }

  #request(name: string, waiting: Waiting): void {
    const stream = this.#streamTo(name)
    const { message, body, request } = waiting
    if (stream === null) {
      const words = `it was not sent, since ${MAX_REMOTE_STREAMS} actors of its node are written to already`
      request.refuse(remoteError('OVERLOADED', this.#say(message, name), words))
    } else if (this.#mayGo(stream, costOf(body))) this.#go(stream, message, body, request)
    else this.#wait(stream, waiting)
  }

  #wait(stream: OutStream, waiting: Waiting): void {
    const { message, body, request } = waiting
    if (this.#waitingCount >= MAX_REMOTE_WAITING || this.#waitingBytes + costOf(body) > MAX_REMOTE_WAITING_BYTES) {
      const words = 'it was not sent, since too much waits for actors of its node already'
      return request.refuse(remoteError('OVERLOADED', this.#say(message, stream.name), words))
    }
    this.#waitingCount++
    this.#waitingBytes += costOf(body)
    stream.waiting.set(request, waiting)
    this.#stalled.add(stream)
    request.place = { left: () => this.#unwait(stream, request) }
  }

  #unwait(stream: OutStream, request: RemoteCall | RemoteSending): void {
    const waiting = stream.waiting.get(request)
    if (waiting === undefined) return
    stream.waiting.delete(request)
    this.#waitingCount--
    this.#waitingBytes -= costOf(waiting.body)
    if (stream.waiting.size === 0) this.#stalled.delete(stream)
  }

  #mayGo(stream: OutStream, size: number): boolean {
    if (this.#outgoing.isBlocked || stream.waiting.size > 0) return false
    return this.#hasCredit(stream, size)
  }

  #hasCredit(stream: OutStream, size: number): boolean {
    if (this.#calls.size >= MAX_REMOTE_CALLS) return false
    return mayHold(stream, size, { messages: this.#creditMessages, bytes: this.#creditBytes, heldBytes: this.#held })
  }

  #go(stream: OutStream, message: string, body: Uint8Array, request: RemoteCall | RemoteSending | null): void {
    const batch = this.#outgoing.batch()
    stream.messages++
    const cost = costOf(body)
    stream.bytes += cost
    this.#held += cost
    if (!(request instanceof RemoteCall)) {
      writeCast(batch, stream.id, message, body)
      return request?.taken()
    }
    const id = ++this.#lastCall
    request.id = id
    request.begun = true
    request.place = this
    this.#calls.set(id, request)
    const remainingMs = Math.ceil(request.dueAt - this.#runtime.clock.now())
    writeCall(batch, { stream: stream.id, id, remainingMs: Math.max(0, remainingMs), message, body })
  }

  /** A call is given up, by its deadline. */
  left(call: RemoteCall | RemoteSending): void {
    if (!(call instanceof RemoteCall) || !this.#calls.has(call.id)) return
    this.#givenUp++
    this.#settled(call.id)
  }

  // --- Streams ---

  #streamTo(name: string): OutStream | null {
    return this.#streams.get(name) ?? this.#open(name)
  }

  #open(name: string): OutStream | null {
    if (this.#streams.size >= MAX_REMOTE_STREAMS && !this.#closeIdle()) return null
    const stream = new OutStream(++this.#lastStream, name)
    this.#streams.set(name, stream)
    this.#byId.set(stream.id, stream)
    writeOpen(this.#outgoing.batch(), stream.id, name)
    return stream
  }

  #closeIdle(): boolean {
    for (const stream of this.#streams.values()) {
      if (!stream.isIdle) continue
      this.#streams.delete(stream.name)
      this.#byId.delete(stream.id)
      writeClose(this.#outgoing.batch(), stream.id)
      return true
    }
    return false
  }

  /** Asks to be told of the lives of an actor, or not any more. False when too many are written to, or watched. */
  watch(name: string, isOn: boolean): boolean {
    const stream = isOn ? this.#streamTo(name) : this.#streams.get(name)
    if (stream === null || stream === undefined) return false
    stream.isWatched = isOn
    writeWatch(this.#outgoing.batch(), stream.id, isOn)
    return true
  }

  /** The name behind a stream that is watched; null for one that is not any more. @throws WireError when it never was there */
  watched(id: number): string | null {
    const stream = this.#byId.get(id)
    if (stream === undefined && !(id <= this.#lastStream)) throw new WireError(`news of stream ${id}, which was never opened`)
    return stream?.isWatched === true ? stream.name : null
  }

  // --- What the peer says ---

  credit(id: number, messages: number, bytes: number): void {
    const stream = this.#byId.get(id)
    if (stream === undefined || messages > stream.messages || bytes > stream.bytes)
      throw new WireError(
        `credit for ${messages} messages of ${bytes} bytes on stream ${id}, which it does not have of this node`,
      )
    stream.messages -= messages
    stream.bytes -= bytes
    this.#held -= bytes
    if (this.#stalled.size > 0) this.goOn()
  }

  /** What waits leaves, as far as it may. */
  goOn(): void {
    for (const stream of this.#stalled) {
      for (const [request, { message, body }] of stream.waiting) {
        if (this.#outgoing.isBlocked || !this.#hasCredit(stream, costOf(body))) break
        this.#unwait(stream, request)
        this.#go(stream, message, body, request)
      }
    }
  }

  answer(id: number, body: Uint8Array): void {
    const call = this.#calls.get(id)
    if (call === undefined) return this.#late(id)
    const value = decodePlainData(body)
    this.#settled(id)
    call.answer(value)
  }

  refusal(id: number, { code, begun, words, facts }: WireRefusal): void {
    const call = this.#calls.get(id)
    if (call === undefined) return this.#late(id)
    const error = code === 'REFUSED' ? refusalFrom(words, facts) : remoteError(code, call.what(), words, begun)
    this.#settled(id)
    call.refuse(error)
  }

  #settled(id: number): void {
    const wasFull = this.#calls.size >= MAX_REMOTE_CALLS
    this.#calls.delete(id)
    if (wasFull && this.#stalled.size > 0) this.goOn()
  }

  /** It may answer once what nobody waits for any more, and nothing else. */
  #late(id: number): void {
    if (id > this.#lastCall || this.#givenUp === 0) throw new WireError(`an answer to call ${id}, which is not open`)
    this.#givenUp--
  }

  // --- The end ---

  /** Nothing is sent or heard any more. */
  end(words: string): void {
    for (const stream of this.#stalled) {
      for (const [request, { message }] of stream.waiting)
        request.refuse(remoteError('UNREACHABLE', this.#say(message, stream.name), `it was not sent: ${words}`))
      stream.waiting.clear()
    }
    this.#stalled.clear()
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.refuse(remoteError('UNREACHABLE', call.what(), `${words}, before it was answered`, true))
  }

  #say(message: string, name: string): string {
    return sayRemote(message, name, this.#peer)
  }
}
