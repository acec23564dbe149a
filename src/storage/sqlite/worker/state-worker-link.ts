/** The main thread's end of the worker: starts it when it is first needed, and matches answers with requests. */
import { Worker } from 'node:worker_threads'
import { fail } from '../../../lib/index.ts'
import { isDescriptorShortage, SHORTAGE_RETRY_MS } from '../../disk/index.ts'
import { asError } from '../../state/index.ts'
import { decodeError } from './state-worker-protocol.ts'
import type { WorkerOperations, WorkerRequest, WorkerResponse, WorkerSetup } from './state-worker-protocol.ts'

/** Requests that may be unanswered. */
const MAX_WORKER_REQUESTS = 32

/**
 * The file of the worker's own program. It is first needed at a checkpoint, and has to be there then. The compiler rewrites imports, not
 * URLs: the file ends like this one.
 */
export function stateWorkerFile(): URL {
  return new URL(`./state-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}

type Answered = (error: Error | undefined, outcome: unknown) => void

interface Waiting {
  readonly request: WorkerRequest
  readonly answered: Answered
}

/** A minute of them: then the want of descriptors that keeps the worker from starting is no passing state. */
const MAX_STARTS = 1200

export class StateWorkerLink {
  readonly #setup: WorkerSetup
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #failure: Error | undefined
  #lastId = 0
  #starts = 0
  /** Runs once it is known that the worker will not come back. */
  #whenGone: (() => void) | undefined

  constructor(setup: WorkerSetup) {
    this.#setup = setup
  }

  /** Whether no further request may be sent now. */
  get full(): boolean {
    return this.#waiting.size >= MAX_WORKER_REQUESTS
  }

  get started(): boolean {
    return this.#worker !== undefined
  }

  request<T extends keyof WorkerOperations>(
    type: T,
    request: WorkerOperations[T]['request'],
    done: (error: Error | undefined, outcome?: WorkerOperations[T]['outcome']) => void,
  ): void {
    const failure = this.#failure
    if (failure !== undefined) return void setImmediate(() => done(failure))
    const worker = (this.#worker ??= this.#start())
    const id = ++this.#lastId
    const message = { ...request, id, type } as unknown as WorkerRequest
    const answered: Answered = (error, outcome) => done(error, outcome as WorkerOperations[T]['outcome'])
    this.#waiting.set(id, { request: message, answered })
    worker.ref()
    worker.postMessage(message)
  }

  /** Ends the worker after what was requested before; `done` is called when its thread is gone. */
  close(done: (error?: Error) => void): void {
    const worker = this.#worker
    if (worker === undefined || this.#failure !== undefined) return void setImmediate(() => done(this.#failure))
    let failure: Error | undefined
    this.#whenGone = () => done(failure)
    this.request('close', {}, (error) => {
      failure = error
      this.#failure ??= new Error('the worker of the state machine has ended')
      // Until its thread is gone the worker counts as work that is under way.
      this.#worker?.ref()
    })
  }

  #start(): Worker {
    // Flags of this process, such as those of a test runner, are not meant for the worker.
    const worker = new Worker(stateWorkerFile(), { workerData: this.#setup, execArgv: [], name: 'aspen-state' })
    let hasAnswered = false
    let failure: Error | undefined
    this.#starts++
    worker.on('message', (response: WorkerResponse) => {
      hasAnswered = true
      this.#answer(response)
    })
    worker.on('error', (error) => (failure = asError(error)))
    worker.on('exit', (code) => {
      if (!hasAnswered && isStartShort(failure) && this.#starts < MAX_STARTS)
        setTimeout(() => this.#startAgain(), SHORTAGE_RETRY_MS)
      else this.#end(failure ?? new Error(`the worker of the state machine ended unasked, with code ${code}`))
    })
    return worker
  }

  /** The first one found no descriptor, and has done nothing. */
  #startAgain(): void {
    const worker = (this.#worker = this.#start())
    for (const { request } of this.#waiting.values()) worker.postMessage(request)
  }

  #end(error: Error): void {
    this.#fail(error)
    this.#whenGone?.()
  }

  #answer(response: WorkerResponse): void {
    const answered = this.#waiting.get(response.id)?.answered
    if (answered === undefined) fail(`the worker answered request ${response.id}, which is not open`)
    this.#waiting.delete(response.id)
    // An idle worker must not keep the process alive.
    if (this.#waiting.size === 0) this.#worker?.unref()
    if (response.ok) answered(undefined, response.outcome)
    else answered(decodeError(response.error), undefined)
  }

  #fail(error: Error): void {
    this.#failure ??= error
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { answered } of waiting) answered(this.#failure, undefined)
  }
}

/** Node says why a thread could not begin in words only. */
function isStartShort(error: Error | undefined): boolean {
  if (error === undefined) return false
  const { code } = error as NodeJS.ErrnoException
  return isDescriptorShortage(error) || (code === 'ERR_WORKER_INIT_FAILED' && /\b(EMFILE|ENFILE)\b/.test(error.message))
}
