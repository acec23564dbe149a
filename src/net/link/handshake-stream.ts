import type { Duplex } from 'node:stream'
import type { Clock } from '../../ports/index.ts'
import { decodeHandshake, encodeRefusal, WireError } from '../../wire/index.ts'
import type { HandshakeRecord } from '../../wire/index.ts'
import { LinkError, malformed, refusalError } from './link-error.ts'

const EMPTY = Buffer.alloc(0)
/** The longest a refusal may take to leave before the connection is cut. */
const MAX_BUFFERED_BYTES = 64 * 1024

/** Reads handshake records from a connection, one at a time, until the connection becomes a link or is refused. */
export class HandshakeStream {
  readonly #socket: Duplex
  #buffer: Buffer = EMPTY
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('data', this.#onData)
    socket.on('error', this.#onError)
    socket.on('close', this.#onClose)
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** The next record; rejects when the connection ends, or sends what cannot be one. A refusal by the peer is thrown. */
  async next(): Promise<HandshakeRecord> {
    for (;;) {
      const record = this.#decode()
      if (record?.type === 'refusal') throw refusalError(record.refusal.code, true, record.refusal.detail)
      if (record !== undefined) return record
      if (this.#failure !== undefined) throw this.#failure
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  /** Ends the handshake: the connection is the caller's, who listens to it before anything else runs. Returns what was read ahead. */
  release(): Uint8Array {
    this.#socket.off('data', this.#onData)
    this.#socket.off('error', this.#onError)
    this.#socket.off('close', this.#onClose)
    return this.#buffer
  }

  /** Tells the peer why, unless the peer was the one to say so, and closes the connection. */
  refuse(error: LinkError): void {
    this.#socket.off('data', this.#onData)
    // Read on, so that what has arrived does not turn the end into a reset that overtakes the refusal.
    this.#socket.resume()
    if (!error.byPeer && isTold(error.code)) this.#socket.write(encodeRefusal({ code: error.code, detail: error.detail }))
    this.#socket.end()
  }

  #decode(): HandshakeRecord | undefined {
    let decoded: ReturnType<typeof decodeHandshake>
    try {
      decoded = decodeHandshake(this.#buffer)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      throw malformed(error.message)
    }
    if (decoded === undefined) return undefined
    this.#buffer = this.#buffer.subarray(decoded.size)
    return decoded.record
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
    if (this.#buffer.length > MAX_BUFFERED_BYTES) this.#socket.pause()
    this.#wake?.()
  }

  readonly #onError = (error: Error): void => {
    this.#failure ??= error
    this.#wake?.()
  }

  readonly #onClose = (): void => {
    this.#onError(new LinkError('ABORTED', 'the peer closed the connection during the handshake'))
  }
}

function isTold(code: LinkError['code']): code is Exclude<LinkError['code'], 'TIMEOUT' | 'STALLED' | 'SILENT' | 'ABORTED'> {
  return code !== 'TIMEOUT' && code !== 'STALLED' && code !== 'SILENT' && code !== 'ABORTED'
}

/** Ends a connection that became no link. A refusal is let through to the peer, within bounds. */
export function refuseAndClose(
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
  socket: Duplex,
  stream: HandshakeStream | undefined,
  error: Error,
): void {
  // Whatever still goes wrong on this connection has its reason already.
  socket.on('error', () => undefined)
  if (stream === undefined || !(error instanceof LinkError) || socket.destroyed) {
    socket.destroy()
    return
  }
  stream.refuse(error)
  const linger = clock.setTimer(timeoutMs, () => socket.destroy())
  socket.once('close', () => linger.cancel())
}
