import type { MessagePort } from 'node:worker_threads'
import type { News, Order } from '../actor/index.ts'

/** What the program of a thread is told first, and nobody in it can look up. */
export interface ProgramData {
  readonly port: MessagePort
  /** What the machine's clock showed when the system's showed 0. */
  readonly zeroMs: number
}

/** `ask`: whether its event loop turns. */
export type ToProgram = 'ask' | { readonly order: Order }
export type FromProgram = 'ready' | 'answer' | { readonly news: News }
