import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { AspenError } from '../../api/index.ts'
import { SMALL_BODY_BYTES } from './body-budget.ts'
import { readBody } from './body-reader.ts'
import type { BodyReading } from './body-reader.ts'

/**
 * Takes application/json and nothing else. Bytes that are not UTF-8 are refused rather than replaced: a value must
 * arrive as it was sent. Members named __proto__ are refused too. An empty body becomes none.
 */
export function acceptJsonOnly(app: FastifyInstance, reading: BodyReading): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  // A parser is not told of the answer, with which the room of a large body is given back.
  const responses = new WeakMap<IncomingMessage, ServerResponse>()
  app.addHook('preParsing', ({ raw }, reply, _payload, done) => {
    const { 'content-length': declared, 'transfer-encoding': encoding } = raw.headers
    if (encoding !== undefined || Number(declared) > SMALL_BODY_BYTES) responses.set(raw, reply.raw)
    done()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request, _payload, done) => {
    const exchange = { request: request.raw, response: responses.get(request.raw) }
    readBody(reading, exchange, request.routeOptions.bodyLimit, (error, body) => {
      if (error !== null) done(error)
      else if (body === undefined || body.length === 0) done(null)
      else if (!isUtf8(body)) done(new AspenError('INVALID_REQUEST', 'the body is not valid UTF-8'))
      // The default parser calls back; the promise in its type is for parsers of others.
      else parse(request, body.toString('utf8'), done) as void
    })
  })
}
