import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { AspenError } from '../../api/index.ts'

/**
 * Takes application/json and nothing else. Bytes that are not UTF-8 are refused rather than replaced: a value must
 * arrive as it was sent. Members named __proto__ are refused too. An empty body becomes none.
 */
export function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) {
      done(null)
    } else if (!isUtf8(body)) {
      done(new AspenError('INVALID_REQUEST', 'the body is not valid UTF-8'))
    } else {
      // The default parser calls back; the promise in its type is for parsers of others.
      parse(request, body.toString('utf8'), done) as void
    }
  })
}
