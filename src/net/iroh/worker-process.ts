import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { assert } from '../../lib/index.ts'
import type { Clock } from '../../ports/index.ts'
import { LinkError, surface } from '../link/index.ts'
import { IrohSocket } from './iroh-socket.ts'
import type { SocketFacts } from './iroh-socket.ts'
import type { FromWorker, WorkerSetup, ToWorker } from './worker-messages.ts'

/** The compiler rewrites imports, not URLs: the file ends like this one. */
const PROGRAM = new URL(`./worker-program.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
/** The endpoint has closed, or its process is killed. */
const CLOSE_TIMEOUT_MS = 3_000
const MAX_WORDS = 1_000

export type Accepted = Extract<FromWorker, { type: 'accepted' }>
export type Rejected = Extract<FromWorker, { type: 'rejected' }>

export interface WorkerOwner {
  accepted(socket: IrohSocket, facts: Accepted): void
  rejected(facts: Rejected): void
  /** The worker ended of itself, after it was bound. Its sockets are destroyed. */
  ended(error: Error): void
}

export type DialOrder = Omit<Extract<ToWorker, { type: 'dial' }>, 'type' | 'id'>

/** Why the endpoint could not be had: the system's code, or NO_BINDING where the package is missing or is not for this platform. */
export class BindError extends Error {
  override readonly name = 'BindError'
  readonly code: string | null

  constructor(code: string | null, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The process that an iroh endpoint lives in, from outside: its sockets, and its end. A process, because what goes wrong in the binding ends all
 * that it is loaded into.
 */
export class WorkerProcess {
  readonly #clock: Clock
  readonly #owner: WorkerOwner
  readonly #child: ChildProcess
  /** What it has said where programs say why they end. */
  #lastWords = ''
  readonly #sockets = new Map<number, IrohSocket>()
  readonly #dials = new Map<number, PromiseWithResolvers<IrohSocket>>()
  readonly #bound = Promise.withResolvers<readonly string[]>()
  readonly #gone = Promise.withResolvers<void>()
  /** Of dials: even. Those of what is accepted, which the worker draws, are odd. */
  #nextId = 2
  #isBound = false
  #isOver = false

  constructor(setup: WorkerSetup, clock: Clock, owner: WorkerOwner) {
    this.#clock = clock
    this.#owner = owner
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const
    this.#child = fork(PROGRAM, [], {
      serialization: 'advanced',
      execArgv: [],
      env: workerEnvironment(process.env),
      stdio: [...stdio],
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#lastWords = keepWords(this.#lastWords, chunk)))
    this.#child.on('message', (message: FromWorker) => this.#hear(message))
    this.#child.on('error', (error) => this.#end(error))
    this.#child.on('exit', (code, signal) => this.#end(new Error(explainEnd(code, signal, this.#lastWords))))
    this.#post({ type: 'begin', setup })
  }

  /** The addresses that the endpoint is bound to. @throws BindError */
  bound(): Promise<readonly string[]> {
    return this.#bound.promise
  }

  get open(): number {
    return this.#sockets.size
  }

  /** A connection and its stream, towards a peer that has proven its key. @throws LinkError when it was not made, or given up */
  async dial(order: DialOrder, signal: AbortSignal): Promise<IrohSocket> {
    if (this.#isOver) throw new LinkError('ABORTED', 'the worker of iroh has ended')
    const id = this.#nextId
    this.#nextId += 2
    const dial = Promise.withResolvers<IrohSocket>()
    this.#dials.set(id, dial)
    const giveUp = (): void => {
      if (!this.#dials.delete(id)) return
      this.#post({ type: 'drop', id })
      const { reason } = signal as { readonly reason: unknown }
      dial.reject(reason instanceof LinkError ? reason : new LinkError('ABORTED', 'the attempt was given up'))
    }
    signal.addEventListener('abort', giveUp)
    this.#post({ type: 'dial', id, ...order })
    if (signal.aborted) giveUp()
    try {
      return await dial.promise
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  limit(maxConnections: number): void {
    this.#post({ type: 'limit', maxConnections })
  }

  /** No more connections are taken. */
  stop(): void {
    this.#post({ type: 'stop' })
  }

  /** Ends the worker, its endpoint first, so that peers are told. */
  async close(): Promise<void> {
    if (this.#isOver) return this.#gone.promise
    this.#isBound = false
    this.#post({ type: 'close' })
    const late = this.#clock.setTimer(CLOSE_TIMEOUT_MS, () => this.#child.kill('SIGKILL'))
    await this.#gone.promise
    late.cancel()
  }

  #hear(message: FromWorker): void {
    if (message.type === 'bound') {
      this.#isBound = true
      this.#bound.resolve(message.addresses)
    } else if (message.type === 'failed') this.#fail(message.code, message.message)
    else if (message.type === 'closed') this.#child.disconnect()
    else if (message.type === 'rejected') this.#owner.rejected(message)
    else if (message.type === 'accepted') this.#owner.accepted(this.#socketOf(message), message)
    else if (message.type === 'dialed') this.#onDialed(message)
    else this.#pass(message)
  }

  #onDialed(message: Extract<FromWorker, { type: 'dialed' }>): void {
    const dial = this.#dials.get(message.id)
    // Given up: the worker has been told.
    if (dial === undefined || !this.#dials.delete(message.id)) return
    dial.resolve(this.#socketOf(message))
  }

  #pass(message: Extract<FromWorker, { readonly id: number }>): void {
    const dial = this.#dials.get(message.id)
    if (dial !== undefined && message.type === 'gone') {
      this.#dials.delete(message.id)
      dial.reject(new LinkError('ABORTED', message.message))
    } else this.#sockets.get(message.id)?.hear(message)
  }

  #socketOf(facts: SocketFacts): IrohSocket {
    const { id } = facts
    assert(!this.#sockets.has(id), 'a connection has a number of its own')
    const socket = new IrohSocket(facts, (message) => this.#post(message))
    this.#sockets.set(id, socket)
    socket.once('close', () => this.#sockets.delete(id))
    return socket
  }

  #fail(code: string | null, message: string): void {
    const error = new BindError(code, message)
    this.#bound.reject(error)
    if (this.#isBound) this.#end(error)
    else surface(this.close())
  }

  #end(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#gone.resolve()
    this.#bound.reject(new BindError(null, error.message))
    const gone = new LinkError('ABORTED', `the worker of iroh has ended: ${error.message}`)
    for (const dial of this.#dials.values()) dial.reject(gone)
    this.#dials.clear()
    for (const socket of this.#sockets.values()) socket.destroy(gone)
    if (this.#isBound) this.#owner.ended(error)
  }

  #post(message: ToWorker): void {
    // What is said to a worker that is about to end is lost, and its end tells.
    if (!this.#isOver && this.#child.connected) this.#child.send(message, () => undefined)
  }
}

/** Without what the node was started with for its own engine, and without its settings: some are secrets, and none is for that process. */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForNode = (name: string): boolean =>
    name === 'NODE_OPTIONS' || name === 'NODE_TEST_CONTEXT' || name.startsWith('ASPEN_')
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForNode(name)))
}

function keepWords(before: string, chunk: Buffer): string {
  return (before + chunk.toString()).slice(0, MAX_WORDS)
}

function explainEnd(code: number | null, signal: string | null, words: string): string {
  const [first = ''] = words.split('\n').filter((line) => line.trim() !== '')
  return `the process of iroh has ended with ${signal ?? `code ${code}`}${first === '' ? '' : `: ${first}`}`
}
