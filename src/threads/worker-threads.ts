import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { toError } from '../actor/index.ts'
import type { Order, Thread, ThreadListener, ThreadPort, ThreadSettings } from '../actor/index.ts'
import type { FromProgram, ProgramData, ToProgram } from './program-data.ts'
import { machineMs } from './thread-clock.ts'
import { Watchdog } from './watchdog.ts'

/** The compiler rewrites imports, not URLs: the file ends like this one. */
const PROGRAM = new URL(`./thread-program.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)

/** A worker thread of Node that hosts actors. It keeps the process alive until it is ended. */
class WorkerThread implements Thread {
  readonly #listener: ThreadListener
  readonly #worker: Worker
  /** A channel of its own, which no module of a program can come by: what they post to the parent's port is theirs. */
  readonly #port: MessagePort
  readonly #watchdog: Watchdog
  /** What the thread ended with. */
  #failure: Error | null = null
  /** It is heard no more. */
  #isOver = false
  #hasExited = false
  #gone: (() => void) | null = null

  constructor({ name, clock, maxHeapMb, unresponsiveMs }: ThreadSettings, listener: ThreadListener) {
    this.#listener = listener
    this.#worker = new Worker(PROGRAM, {
      name: `aspen-actor ${name}`,
      ...(maxHeapMb === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } }),
    })
    const { port1, port2 } = new MessageChannel()
    const data: ProgramData = { port: port2, zeroMs: machineMs() - clock.now() }
    this.#worker.postMessage(data, [port2])
    this.#port = port1
    this.#watchdog = new Watchdog(clock, unresponsiveMs, {
      ask: () => this.#post('ask'),
      silent: () =>
        this.#terminate(new Error(`the event loop of its thread did not turn for ${unresponsiveMs} ms: the thread was ended`)),
    })
    port1.on('message', (message: FromProgram) => this.#heard(message))
    this.#worker.on('error', (error: unknown) => {
      const failure = toError(error)
      this.#failure ??= Error.isError(error) ? failure : new Error(`its thread ended: ${failure.message}`)
    })
    this.#worker.on('exit', (code) => this.#exited(code))
  }

  tell(order: Order): void {
    this.#post({ order })
  }

  end(gone: () => void): void {
    this.#isOver = true
    this.#watchdog.stop()
    if (this.#hasExited) return gone()
    this.#gone = gone
    this.#stopWorker()
  }

  #post(message: ToProgram): void {
    this.#port.postMessage(message)
  }

  #heard(message: FromProgram): void {
    if (this.#isOver) return
    if (message === 'ready') this.#watchdog.start()
    else if (message === 'answer') this.#watchdog.answered()
    else this.#listener.heard(message.news)
  }

  #exited(code: number): void {
    this.#hasExited = true
    this.#watchdog.stop()
    // What it said before it ended may wait here still.
    for (let left = receiveMessageOnPort(this.#port); left !== undefined; left = receiveMessageOnPort(this.#port))
      this.#heard(left.message as FromProgram)
    this.#port.close()
    this.#over(this.#failure ?? new Error(`its thread ended by itself, with code ${code}`))
    this.#gone?.()
  }

  /** It does not get to hear that it is to end. */
  #terminate(error: Error): void {
    this.#over(error)
    this.#stopWorker()
  }

  #over(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.ended(error)
  }

  #stopWorker(): void {
    // Its exit is what counts, and is told as an event.
    this.#worker.terminate().catch(() => undefined)
  }
}

/** Threads of Node, for the actors of a system: `new ActorSystem({ threads: workerThreads, ... })`. */
export const workerThreads: ThreadPort = {
  open: (settings, listener) => new WorkerThread(settings, listener),
}
