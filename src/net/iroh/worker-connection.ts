import type { BiStream, Connection, PathSnapshot } from '@number0/iroh/index.js'
import { surface } from '../link/index.ts'
import { WORKER_WINDOW_BYTES } from './worker-messages.ts'
import type { FromWorker } from './worker-messages.ts'
import { firstLine } from './words.ts'

/** Of one piece that is read or written: the binding is busy for 10 ms with twice as much. */
const PIECE_BYTES = 32 * 1024
/** How long the peer may take to take in the last bytes. */
const FINISH_TIMEOUT_MS = 1_000

/**
 * One connection and its one stream, pumped both ways. Everything of the binding that is in use is held here: what JavaScript
 * does not hold is collected, and closes without a word.
 */
export class WorkerConnection {
  readonly #id: number
  readonly #connection: Connection
  readonly #stream: BiStream
  readonly #tell: (message: FromWorker) => void
  readonly #gone: () => void
  readonly #writes: Uint8Array[] = []
  #writing = false
  #finishing = false
  /** Bytes that may still be read ahead. */
  #credit = WORKER_WINDOW_BYTES
  #wakeReader: (() => void) | undefined
  #isOver = false
  #relayed: boolean

  constructor(
    id: number,
    made: { readonly connection: Connection; readonly stream: BiStream },
    tell: (message: FromWorker) => void,
    gone: () => void,
  ) {
    this.#id = id
    this.#connection = made.connection
    this.#stream = made.stream
    this.#tell = tell
    this.#gone = gone
    this.#relayed = isRelayed(made.connection.paths())
  }

  get relayed(): boolean {
    return this.#relayed
  }

  /** To be called once whoever is told knows of the connection. */
  start(): void {
    surface(this.#read())
    surface(this.#watch())
  }

  write(bytes: Uint8Array): void {
    this.#writes.push(bytes)
    surface(this.#write())
  }

  credit(bytes: number): void {
    this.#credit += bytes
    this.#wakeReader?.()
  }

  finish(): void {
    this.#finishing = true
    surface(this.#write())
  }

  drop(): void {
    if (this.#isOver) return
    this.#over()
  }

  async #watch(): Promise<void> {
    try {
      this.#lose(await this.#connection.closed())
    } catch (error) {
      this.#lose(firstLine(error))
    }
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        while (this.#credit <= 0 && !this.#isOver) {
          const { promise, resolve } = Promise.withResolvers<void>()
          this.#wakeReader = resolve
          await promise
        }
        const read = await this.#stream.recv.read(Math.min(PIECE_BYTES, this.#credit))
        if (this.#isOver) return
        if (read.length === 0) {
          this.#tell({ type: 'end', id: this.#id })
          return
        }
        const bytes = Uint8Array.from(read)
        this.#credit -= bytes.length
        this.#tell({ type: 'bytes', id: this.#id, bytes })
      }
    } catch (error) {
      this.#lose(firstLine(error))
    }
  }

  async #write(): Promise<void> {
    if (this.#writing || this.#isOver) return
    this.#writing = true
    try {
      while (this.#writes.length > 0) {
        const piece = this.#nextPiece()
        await this.#stream.send.writeAll(piece)
        if (this.#isOver) return
        this.#tell({ type: 'written', id: this.#id, bytes: piece.length })
      }
      if (this.#finishing) await this.#finish()
    } catch (error) {
      this.#lose(firstLine(error))
    } finally {
      this.#writing = false
    }
    // What was asked for while the last was under way.
    if (this.#writes.length > 0) surface(this.#write())
  }

  /** Small writes that wait together leave together. */
  #nextPiece(): number[] {
    const piece: number[] = []
    for (let first = this.#writes[0]; first !== undefined && piece.length < PIECE_BYTES; first = this.#writes[0]) {
      const taken = Math.min(first.length, PIECE_BYTES - piece.length)
      for (let at = 0; at < taken; at++) piece.push(first[at] as number)
      if (taken === first.length) this.#writes.shift()
      else this.#writes[0] = first.subarray(taken)
    }
    return piece
  }

  async #finish(): Promise<void> {
    this.#finishing = false
    await this.#stream.send.finish()
    const { promise: tooLate, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, FINISH_TIMEOUT_MS)
    // Closing the connection drops what the peer has not got.
    await Promise.race([this.#stream.send.stopped().catch(() => null), tooLate])
    clearTimeout(timer)
    if (!this.#isOver) this.#tell({ type: 'finished', id: this.#id })
  }

  /** Says so when the connection goes another way now. To be called now and then: the binding's own watchers abort the process. */
  look(): void {
    if (this.#isOver) return
    const relayed = isRelayed(this.#connection.paths())
    if (relayed === this.#relayed) return
    this.#relayed = relayed
    this.#tell({ type: 'path', id: this.#id, relayed })
  }

  #lose(message: string): void {
    if (this.#isOver) return
    this.#over()
    this.#tell({ type: 'gone', id: this.#id, code: 'ABORTED', message })
  }

  #over(): void {
    this.#isOver = true
    this.#writes.length = 0
    this.#wakeReader?.()
    this.#connection.close(0n, [])
    this.#gone()
  }
}

/** Whether the path in use goes through a relay; while none is chosen, whether there is no other. */
function isRelayed(paths: readonly PathSnapshot[]): boolean {
  const selected = paths.filter((path) => path.isSelected)
  const candidates = selected.length > 0 ? selected : paths
  return candidates.length > 0 && candidates.every((path) => path.isRelay)
}

/** Where the other end is: the path in use, or any. */
export function remoteOfPaths(paths: readonly PathSnapshot[]): string | null {
  return (paths.find((path) => path.isSelected) ?? paths[0])?.remoteAddr ?? null
}
