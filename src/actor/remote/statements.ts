/**
 * What two nodes say to each other of their actors, over a channel of their link: batches of statements, each a kind and what it consists of. An odd
 * kind must be understood: who does not know it ends the talk and says so. An even one has its length behind the kind, and
 * is skipped by who does not know it. Within a version a kind keeps its form; the hello keeps its own in all versions, and ends in tagged fields.
 *
 * A stream is how the actors of one node write to one actor of the other, by its name there. Numbers of streams and calls ascend.
 */
import type { ActorErrorCode } from '../actor-error.ts'
import type { DownReason } from '../target.ts'

export const ACTOR_PROTOCOL = 'aspen/actor/1'
/** Versions of it that this program speaks. */
export const ACTOR_VERSIONS: ActorVersions = { min: 1, max: 1 }
/** A bit for each thing that an end may do or not, beside its version. */
export const FEATURES = 0

export const KIND = {
  hello: 1,
  bye: 3,
  open: 5,
  close: 7,
  cast: 9,
  call: 11,
  answer: 13,
  refusal: 15,
  credit: 17,
  watch: 19,
  lives: 21,
  group: 23,
} as const

/** Why a call has no answer. Numbers are the wire's, and stay. */
export const ERROR_NUMBERS: Readonly<Record<ActorErrorCode | 'REFUSED', number>> = {
  REFUSED: 0,
  OVERLOADED: 1,
  DOWN: 2,
  CRASHED: 3,
  DEADLINE_EXCEEDED: 4,
  UNKNOWN_MESSAGE: 5,
  UNREACHABLE: 6,
  UNSENDABLE: 7,
  NAME_TAKEN: 8,
}
/** How a life ended; 0 is said of one that lives. */
export const DOWN_NUMBERS: Readonly<Record<DownReason, number>> = {
  stopped: 1,
  crashed: 2,
  killed: 3,
  gone: 4,
  unreachable: 5,
}

/** Where there are no facts. */
export const NO_FACTS: Uint8Array = new Uint8Array(0)

export const WORDS_BYTES = 1024
export const MESSAGE_NAME_BYTES = 384
export const NAME_BYTES = 128
// Tagged fields of a hello.
export const CREDIT_MESSAGES = 2
export const CREDIT_BYTES = 4

export interface ActorVersions {
  readonly min: number
  readonly max: number
}

export interface ActorHello {
  readonly versions: ActorVersions
  readonly features: number
  /** Of the sender's talk with this peer, drawn anew for each; and the last that it has heard of the peer, 0 for none. */
  readonly talk: number
  readonly heard: number
  /** What the peer may have on its way to one actor here: messages, and bytes of them. */
  readonly creditMessages: number
  readonly creditBytes: number
}

export interface WireCall {
  readonly stream: number
  readonly id: number
  readonly remainingMs: number
  readonly message: string
  readonly body: Uint8Array
}

/** Why a call has no answer; `REFUSED` is a Refusal of the handler. A code of a later version reads as one to be treated alike. */
export interface WireRefusal {
  readonly code: ActorErrorCode | 'REFUSED'
  readonly begun: boolean
  readonly words: string
  /** What a Refusal says beside its words; empty for others. */
  readonly facts: Uint8Array
}

/** How a life ended. */
export interface Ended {
  readonly reason: DownReason
  readonly words: string
}

/** What a peer says. Bytes are views of what was received. */
export interface Listener {
  hello(hello: ActorHello): void
  bye(words: string): void
  open(stream: number, name: string): void
  close(stream: number): void
  cast(stream: number, message: string, body: Uint8Array): void
  call(call: WireCall): void
  answer(id: number, body: Uint8Array): void
  refusal(id: number, refusal: WireRefusal): void
  credit(stream: number, messages: number, bytes: number): void
  watch(stream: number, isOn: boolean): void
  /** The actor of a watched stream lives, when `down` is null. */
  lives(stream: number, down: Ended | null): void
  group(group: string, name: string, isMember: boolean): void
  /** False: nothing more is to be read. */
  readonly listens: boolean
}

/** Whether a message may have this name. */
export function isMessageName(message: unknown): message is string {
  return typeof message === 'string' && message.length > 0 && message.length <= MESSAGE_NAME_BYTES / 3 && message.isWellFormed()
}
