/** What the two sides of a thread tell each other: plain data. Each life that is there has a number in its thread. */
import type { ErrorData } from '../error-data.ts'

/** To the thread. */
export type Order =
  | {
      readonly type: 'start'
      readonly life: number
      /** The URL of a module, and the name of what it exports. */
      readonly module: string
      readonly actor: string
      readonly path: string
      /** Here and below, the bytes of plain data. */
      readonly argument: Uint8Array
      readonly seed: number
      /** How it supervises its children. */
      readonly supervision: Uint8Array
    }
  /** One at a time, for each life. */
  | {
      readonly type: 'message'
      readonly life: number
      readonly id: number
      readonly message: string
      readonly body: Uint8Array
      readonly wantsAnswer: boolean
    }
  /** End in good order; with an error: as one does that has failed. */
  | { readonly type: 'stop'; readonly life: number; readonly error: ErrorData | null }
  | { readonly type: 'kill'; readonly life: number }

/** From the thread. */
export type News =
  | { readonly type: 'started'; readonly life: number }
  | { readonly type: 'answered'; readonly life: number; readonly id: number; readonly value: Uint8Array }
  | { readonly type: 'refused'; readonly life: number; readonly id: number; readonly error: ErrorData; readonly begun: boolean }
  /** It will be answered, and the next message may come. */
  | { readonly type: 'later'; readonly life: number; readonly id: number }
  /** It crashed, with the message in hand if there is one, and is about to end. */
  | { readonly type: 'failed'; readonly life: number; readonly error: ErrorData }
  /** It is to end for good. */
  | { readonly type: 'stopping'; readonly life: number }
  /** It has asked for the end of its life. */
  | { readonly type: 'leaving'; readonly life: number }
  /** It has asked to begin anew. */
  | { readonly type: 'restarting'; readonly life: number }
  /** There is nothing of it any more. */
  | { readonly type: 'ended'; readonly life: number }
  /** Of its children, or of what only the thread knows. */
  | {
      readonly type: 'event'
      readonly life: number
      readonly path: string
      readonly event: string
      readonly error: ErrorData | null
      readonly pauseMs: number | null
    }
