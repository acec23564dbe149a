/** Definitions that tests have run in threads. */
import { parentPort } from 'node:worker_threads'
import { defineActor, inThread, Later, Refusal } from '../../../src/actor/index.ts'
import type { ActorContext } from '../../../src/actor/index.ts'

export interface Total {
  readonly total: number
}

export class OutOfRange extends Refusal {
  override readonly name = 'OutOfRange'
  readonly limit: number

  constructor(limit: number) {
    super(`at most ${limit}`)
    this.limit = limit
  }
}

export class Counter {
  readonly #context: ActorContext
  #total: number
  #open: Later<number>[] = []

  constructor(context: ActorContext, start: number) {
    this.#context = context
    this.#total = start
  }

  add(amount: number): number {
    if (amount > 1_000) throw new OutOfRange(1_000)
    this.#total += amount
    return this.#total
  }

  get(): Total {
    return { total: this.#total }
  }

  /** What it was given, after it has written into its own copy. */
  scribble(given: { list: number[]; bytes?: Uint8Array }): unknown {
    given.list.push(99)
    return given
  }

  path(): string {
    return this.#context.path
  }

  now(): number {
    return this.#context.now()
  }

  draw(): number {
    return this.#context.random.nextUint32()
  }

  crash(words: string): never {
    throw new RangeError(words)
  }

  async crashLate(words: string): Promise<never> {
    await Promise.resolve()
    throw new RangeError(words)
  }

  /** Is answered when `release` comes. */
  hold(): Later<number> {
    const later = new Later<number>()
    this.#open.push(later)
    return later
  }

  async holdLate(): Promise<Later<number>> {
    await Promise.resolve()
    return this.hold()
  }

  release(): number {
    const open = this.#open
    this.#open = []
    for (const later of open) later.answer(this.#total)
    return open.length
  }

  refuseHeld(): void {
    for (const later of this.#open) later.refuse(new TypeError('no more'))
    this.#open = []
  }

  /** Never answered, and not kept. */
  forget(): Later<number> {
    return new Later()
  }

  answerFunction(): unknown {
    return { list: [() => 1] }
  }

  crashIn(delayMs: number): void {
    this.#context.after(delayMs, () => {
      throw new RangeError('in its own time')
    })
  }

  addIn(delayMs: number): void {
    this.#context.after(delayMs, () => void this.#total++)
  }

  stop(): void {
    this.#context.stop()
  }

  /** Has a child count, and one that fails. */
  async child(crashes: boolean): Promise<string> {
    const child = this.#context.spawn(counter, { name: 'child', argument: 5 })
    if (crashes) child.cast('crash', 'as a child')
    return `${child.path} ${await child.call('add', 1)}`
  }

  /** It writes to itself, and is handled behind the message in hand. */
  addToSelf(amount: number): number {
    this.#context.self<Counter>().cast('add', amount)
    return this.#total
  }

  restartSelf(): string {
    this.#context
      .self()
      .restart()
      .catch(() => undefined)
    return 'soon'
  }

  nest(): void {
    this.#context.spawn(inThread<typeof counter>(new URL(import.meta.url), 'counter'), { argument: 1 })
  }

  never(): Promise<number> {
    return new Promise(() => undefined)
  }
}

/** Counts from its argument. */
export const counter = defineActor({
  start: (context: ActorContext, start: number) => new Counter(context, start),
})

/** Fails in its start, as its argument says. */
export const badStart = defineActor({
  start: (_context: ActorContext, how: 'throws' | 'rejects' | 'hangs' | 'nothing') => {
    if (how === 'throws') throw new RangeError('cannot start')
    if (how === 'rejects') return Promise.reject(new RangeError('cannot start late'))
    if (how === 'nothing') return undefined as unknown as object
    return new Promise<object>(() => undefined)
  },
})

/** Ends as its argument says. */
export const badStop = defineActor({
  start: (context: ActorContext, how: 'throws' | 'hangs' | 'leaves' | 'for good') => ({ hello: () => 'hello', how, context }),
  stop: ({ how, context }) => {
    if (how === 'throws') throw new RangeError('cannot stop')
    if (how === 'leaves') return context.stop()
    if (how === 'for good') return context.self().stop()
    return new Promise<void>(() => undefined)
  },
})

/** What takes its thread with it; in none that is run inline. */
export const deadly = defineActor({
  start: () => ({
    hello: (): string => 'hello',
    exit: (code: number): void => process.exit(code),
    /** Answers, and handles nothing any more. */
    loop: (): string => {
      queueMicrotask(() => {
        for (;;);
      })
      return 'looping'
    },
    /** Never returns. */
    spin: (): void => {
      for (;;);
    },
    /** Says something to whoever made the thread, which is nobody it knows. */
    chatter: (): void => {
      parentPort?.postMessage({ news: 'none' })
      parentPort?.postMessage('ready')
    },
    /** It is not what its system hears it by. */
    closeParentPort: (): void => parentPort?.close(),
    /** What nobody can make words of. */
    throwUnreadable: (): void => {
      setImmediate(() => {
        // oxlint-disable-next-line typescript/only-throw-error -- a program throws anything
        throw { toString: 1, valueOf: 1 }
      })
    },
    throwOutside: (): void => {
      setImmediate(() => {
        throw new RangeError('outside of all handlers')
      })
    },
    rejectOutside: (): void => {
      Promise.withResolvers<void>().reject(new RangeError('nobody waits for it'))
    },
    fill: (): number => {
      const filling: number[][] = []
      for (;;) filling.push([filling.length, 1, 2, 3])
    },
  }),
})

/** Its start never returns. */
export const stuck = defineActor({
  start: (): object => {
    for (;;);
  },
})

export const notAnActor = 5
