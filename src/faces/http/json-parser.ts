import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { AspenError } from '../../api/index.ts'
import { SMALL_BODY_BYTES } from './body-budget.ts'
import { readBody } from './body-reader.ts'
import type { BodyReading } from './body-reader.ts'

/** What there is to know of a request whose body may be large. A parser is told neither. */
interface LargeBody {
  /** With it the room of the body is given back. */
  readonly response: ServerResponse | undefined
  /** In bytes. */
  readonly limit: number
}

/** No route takes less, and who declares no more sends no more. */
const SMALL_BODY: LargeBody = { response: undefined, limit: SMALL_BODY_BYTES }

/** The requests whose bodies do not say that they are small. Of all others nothing is remembered: they are most. */
export class LargeBodies {
  readonly #byRequest = new WeakMap<IncomingMessage, LargeBody>()

  /** A request has come, which may have a body of `limit` bytes. */
  expect(request: IncomingMessage, response: ServerResponse, limit: number): void {
    const { 'content-length': declared, 'transfer-encoding': encoding } = request.headers
    if (encoding !== undefined || Number(declared) > SMALL_BODY_BYTES) this.#byRequest.set(request, { response, limit })
  }

  of(request: IncomingMessage): LargeBody | undefined {
    return this.#byRequest.get(request)
  }
}

/**
 * Takes application/json and nothing else. Bytes that are not UTF-8 are refused rather than replaced: a value must
 * arrive as it was sent. Members named __proto__ are refused too. An empty body becomes none.
 */
export function acceptJsonOnly(app: FastifyInstance, reading: BodyReading, large: LargeBodies): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request, _payload, done) => {
    const { raw } = request
    const { response, limit } = large.of(raw) ?? SMALL_BODY
    readBody(reading, { request: raw, response }, limit, (error, body) => {
      if (error !== null) done(error)
      else if (body === undefined || body.length === 0) done(null)
      else if (!isUtf8(body)) done(new AspenError('INVALID_REQUEST', 'the body is not valid UTF-8'))
      // The default parser calls back; the promise in its type is for parsers of others.
      else parse(request, body.toString('utf8'), done) as void
    })
  })
}
