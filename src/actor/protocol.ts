/**
 * The types of messages. What an actor understands is described by the methods that handle it: the name of a method is the name of a
 * message, its only argument the body, and what it returns the answer.
 */
import type { Later } from './later.ts'

/** Never there: for the compiler, which would take a reference to one kind of actor for one to another. */
export declare const handles: unique symbol

/** What handles messages: an object whose methods take one argument, or none. */
export type Handlers = object

type Method = (...body: never[]) => unknown

/** The names of the messages that `H` handles. */
export type MessageOf<H> = {
  [K in keyof H]: H[K] extends Method ? (Parameters<H[K]> extends readonly [] | readonly [unknown?] ? K : never) : never
}[keyof H] &
  string

/** What comes with a message: one thing, or nothing. */
export type BodyOf<H, K extends keyof H> = H[K] extends (...body: infer B extends readonly unknown[]) => unknown ? B : never

/** What the caller gets: see {@link Later} for answers that come when the handler has returned. */
export type AnswerOf<H, K extends keyof H> = H[K] extends (...body: never[]) => infer R ? Answered<Awaited<R>> : never

type Answered<R> = R extends Later<infer T> ? T : R

export interface CallOptions {
  /** Until there has to be an answer; 5 s when absent. */
  readonly timeoutMs?: number
}

export interface SendOptions {
  /** Until there has to be room; 5 s when absent. */
  readonly timeoutMs?: number
}

/** The body, where there is one, and the options. */
type WithOptions<H, K extends keyof H, O> =
  BodyOf<H, K> extends readonly [] ? [body?: undefined, options?: O] : [...body: BodyOf<H, K>, options?: O]

export type CallArguments<H, K extends keyof H> = WithOptions<H, K, CallOptions>
export type SendArguments<H, K extends keyof H> = WithOptions<H, K, SendOptions>
