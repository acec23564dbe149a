/**
 * Reads the bodies of requests: bounded in bytes, by route and for all together, and in the values that they hold. What is
 * kept follows the bytes, however they are cut: a chunk of one byte must not cost the three hundred that an object takes.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { AspenError } from '../../api/index.ts'
import { SMALL_BODY_BYTES } from './body-budget.ts'
import type { BodyBudget } from './body-budget.ts'
import { JsonTokens } from './json-tokens.ts'
import type { OneATurn } from './one-a-turn.ts'
import { MAX_BODY_TOKENS } from '../../limits.ts'

const MIN_CAPACITY = 1024

/** What all bodies of a server share. */
export interface BodyReading {
  readonly budget: BodyBudget
  /** Large bodies are made into values one after the other, with all else in between. */
  readonly large: OneATurn
  /** Another piece has come: how long this turn may go on is not for this connection alone. */
  readonly pieceCame: (request: IncomingMessage) => void
}

/** A request and its answer; bodies that say that they are small need none. */
interface AnsweredRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse | undefined
}

type BodyDone = (error: Error | null, body?: Buffer) => void

/** Reads one body of at most `limit` bytes. `done` is called once, later than this returns or within a piece of the body. */
export function readBody(reading: BodyReading, exchange: AnsweredRequest, limit: number, done: BodyDone): void {
  const { request } = exchange
  const declared = Number(request.headers['content-length'] ?? Number.NaN)
  if (declared > limit) return done(tooLarge(limit))
  // Null once it is over.
  let body: BodyInArrival | null = new BodyInArrival(reading, exchange.response, Number.isNaN(declared) ? limit : declared)
  const refuse = (error: Error): void => {
    body = null
    request.off('data', onData).off('end', onEnd).off('error', onError)
    request.pause()
    done(error)
  }
  const onData = (piece: Buffer): void => {
    if (body === null) return
    reading.pieceCame(request)
    const refusal = body.size + piece.length > limit ? tooLarge(limit) : body.add(piece)
    if (refusal !== undefined) refuse(refusal)
  }
  const onEnd = (): void => {
    if (body === null) return
    if (!Number.isNaN(declared) && body.size !== declared) return refuse(wrongLength())
    const whole = body.whole()
    // The listeners stay: nothing follows, and to take them away would cost more than all else here.
    body = null
    if (whole.length <= SMALL_BODY_BYTES) done(null, whole)
    else reading.large.run(() => done(null, whole))
  }
  // Node says so when the connection ends within a body.
  const onError = (): void => {
    if (body !== null) refuse(new AspenError('INVALID_REQUEST', 'the request could not be read'))
  }
  request.on('data', onData).on('end', onEnd).on('error', onError)
}

class BodyInArrival {
  readonly #reading: BodyReading
  readonly #response: ServerResponse | undefined
  /** It will not be larger. */
  readonly #bound: number
  #buffer: Buffer | null = null
  #only: Buffer | null = null
  #size = 0
  /** Bytes taken from the budget. */
  #counted = 0
  #tokens: JsonTokens | null = null

  constructor(reading: BodyReading, response: ServerResponse | undefined, bound: number) {
    this.#reading = reading
    this.#response = response
    this.#bound = bound
  }

  get size(): number {
    return this.#size
  }

  add(piece: Buffer): AspenError | undefined {
    const before = this.#size
    if (before + piece.length > SMALL_BODY_BYTES) {
      const refusal = this.#count(before + piece.length) ?? this.#countTokens(piece)
      if (refusal !== undefined) return refusal
    }
    // Most bodies come in one piece, and need no other place.
    if (before === 0) this.#only = piece
    else this.#append(piece)
    this.#size = before + piece.length
    return undefined
  }

  whole(): Buffer {
    return this.#only ?? this.#buffer?.subarray(0, this.#size) ?? Buffer.alloc(0)
  }

  #append(piece: Buffer): void {
    const size = this.#size + piece.length
    if (this.#buffer === null || this.#buffer.length < size) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * size, MIN_CAPACITY), Math.max(this.#bound, size)))
      this.whole().copy(larger)
      this.#buffer = larger
      this.#only = null
    }
    piece.copy(this.#buffer, this.#size)
  }

  #count(size: number): AspenError | undefined {
    const { budget } = this.#reading
    const refusal = budget.take(size - this.#counted)
    if (refusal !== undefined) return refusal
    if (this.#counted === 0) this.#response?.once('close', () => budget.release(this.#counted))
    this.#counted = size
    return undefined
  }

  #countTokens(piece: Buffer): AspenError | undefined {
    if (this.#tokens === null) {
      this.#tokens = new JsonTokens()
      this.#tokens.add(this.whole())
    }
    this.#tokens.add(piece)
    if (this.#tokens.count <= MAX_BODY_TOKENS) return undefined
    return new AspenError('INVALID_REQUEST', `the body holds more than ${MAX_BODY_TOKENS} values and members`, {
      limit: MAX_BODY_TOKENS,
    })
  }
}

function wrongLength(): AspenError {
  return new AspenError('INVALID_REQUEST', 'the body is not as long as its Content-Length says')
}

function tooLarge(limit: number): AspenError {
  return new AspenError('BODY_TOO_LARGE', `the body is larger than ${limit} bytes`, { limit })
}
