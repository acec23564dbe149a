import { Duplex } from 'node:stream'
import { LinkError } from '../link/index.ts'
import { WORKER_WINDOW_BYTES } from './worker-messages.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

/** Bytes read after which the worker is told; fewer may always come. */
const CREDIT_BYTES = 32 * 1024

export interface SocketFacts {
  readonly id: number
  /** Where the other end is, for people; null when that is not known. */
  readonly remote: string | null
  readonly relayed: boolean
}

/** The stream of one connection, whose other half is in the worker of the endpoint. */
export class IrohSocket extends Duplex {
  readonly remote: string | null
  relayed: boolean
  readonly #id: number
  readonly #post: (message: ToWorker) => void
  /** Bytes that the worker has, and has not written. */
  #underWay = 0
  #onRoom: (() => void) | undefined
  #onFinished: ((error?: Error | null) => void) | undefined
  /** Bytes that have come and that nobody has asked for. */
  #owed = 0
  #isGone = false

  constructor({ id, remote, relayed }: SocketFacts, post: (message: ToWorker) => void) {
    super()
    this.#id = id
    this.remote = remote
    this.relayed = relayed
    this.#post = post
  }

  hear(message: Extract<FromWorker, { readonly id: number }>): void {
    if (message.type === 'bytes') this.#onBytes(message.bytes)
    else if (message.type === 'written') this.#onWritten(message.bytes)
    else if (message.type === 'end') this.push(null)
    else if (message.type === 'finished') this.#onFinished?.()
    else if (message.type === 'path') this.relayed = message.relayed
    else if (message.type === 'gone') this.#onGone(message.message)
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#underWay += chunk.length
    this.#post({ type: 'write', id: this.#id, bytes: chunk })
    if (this.#underWay < WORKER_WINDOW_BYTES) done()
    else this.#onRoom = done
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#onFinished = done
    this.#post({ type: 'finish', id: this.#id })
  }

  override _read(): void {
    this.#pay()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isGone) this.#post({ type: 'drop', id: this.#id })
    this.#isGone = true
    done(error)
  }

  #onBytes(bytes: Uint8Array): void {
    this.#owed += bytes.length
    if (this.push(bytes)) this.#pay()
  }

  #pay(): void {
    if (this.#owed < CREDIT_BYTES) return
    this.#post({ type: 'credit', id: this.#id, bytes: this.#owed })
    this.#owed = 0
  }

  #onWritten(bytes: number): void {
    this.#underWay -= bytes
    if (this.#underWay >= WORKER_WINDOW_BYTES) return
    const done = this.#onRoom
    this.#onRoom = undefined
    done?.()
  }

  #onGone(message: string): void {
    this.#isGone = true
    this.destroy(new LinkError('ABORTED', message))
  }
}
