/** Every refusal as the one JSON shape, whoever raised it: the store, the framework, or a mistake of ours. */
import type { FastifyError } from 'fastify'
import { AspenError, surplusField } from '../../api/index.ts'
import type { ErrorCode } from '../../api/index.ts'
import { MAX_HTTP_BODY_SIZE } from '../../limits.ts'

/** Seconds after which a client that met OVERLOADED may come back. */
export const RETRY_AFTER_SECONDS = '1'

export const JSON_TYPE = 'application/json; charset=utf-8'

export function errorBody(error: AspenError): string {
  return JSON.stringify({
    error: { code: error.code, message: error.message, retryable: error.retryable, details: error.details },
  })
}

function invalidBody(error: FastifyError): AspenError {
  const [first] = error.validation ?? []
  const where = first === undefined || first.instancePath === '' ? 'the body' : `the body at ${first.instancePath}`
  const said = first?.keyword === 'additionalProperties' ? unknownField(first) : (first?.message ?? 'is not valid')
  return new AspenError('INVALID_REQUEST', `${where} ${said}: see /openapi.json`, {
    path: first?.instancePath ?? '',
    rule: first?.keyword ?? '',
  })
}

type Violation = NonNullable<FastifyError['validation']>[0] & { readonly parentSchema?: { readonly properties?: object } }

function unknownField({ params, parentSchema }: Violation): string {
  return surplusField(String(params['additionalProperty']), Object.keys(parentSchema?.properties ?? {}))
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'statusCode' in error
}

const FRAMEWORK_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'the body must be JSON: send Content-Type: application/json'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', `the body is larger than ${MAX_HTTP_BODY_SIZE} bytes`],
  FST_ERR_CTP_INVALID_JSON_BODY: ['INVALID_REQUEST', 'the body is not valid JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['INVALID_REQUEST', 'the body is not as long as its Content-Length says'],
  FST_ERR_BAD_URL: ['INVALID_REQUEST', 'the path of the request is not valid percent-encoded UTF-8'],
}

/** The error to answer with, or undefined when nobody expected it: then it is a fault of ours. */
export function expectedError(error: unknown): AspenError | undefined {
  if (error instanceof AspenError) return error
  if (!isFastifyError(error)) return undefined
  if (error.validation !== undefined) return invalidBody(error)
  const row = FRAMEWORK_CODES[error.code]
  if (row !== undefined) return new AspenError(row[0], row[1])
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return new AspenError('INVALID_REQUEST', 'the request could not be read')
  return undefined
}

export const INTERNAL_ERROR: AspenError = new AspenError(
  'INTERNAL',
  'the node met a fault of its own while it answered: its log says more',
)

/** A whole HTTP/1.1 answer, for requests that never became one: the parser gave up on them. */
export function rawAnswer(status: number, reason: string, error: AspenError): string {
  const body = errorBody(error)
  return [
    `HTTP/1.1 ${status} ${reason}`,
    `content-type: ${JSON_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}
