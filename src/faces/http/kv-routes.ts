/** POST /write, /read and /scan: the hot path. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AspenError } from '../../api/index.ts'
import type { RequestOptions, ScanRequest, WriteCommand, WriteOptions, WriteResult } from '../../api/index.ts'
import { MAX_SMALL_HTTP_BODY_SIZE } from '../../limits.ts'
import { JSON_TYPE } from './error-answers.ts'
import { dataDecoder, decodeCommand, entryJson, readJson, valueJson, writeJson } from './kv-json.ts'
import type { Encodings } from './kv-json.ts'
import { ReadAnswer, ReadBody, ScanAnswer, ScanBody, WriteAnswer, WriteBody } from './kv-schemas.ts'
import { quorumErrors, readErrors, settle } from './route.ts'
import type { Route, RouteContext } from './route.ts'

interface WriteRequest extends Encodings {
  readonly command: WriteCommand
  readonly client_id?: string
  readonly sequence?: number
  readonly revision?: boolean
  readonly timeout_ms?: number
}

interface ReadRequest extends Encodings {
  readonly key: string
  readonly metadata?: boolean
  readonly timeout_ms?: number
}

interface ScanRequestBody extends Encodings {
  readonly prefix?: string
  readonly start?: string
  readonly end?: string
  readonly limit?: number
  readonly token?: string | null
  readonly timeout_ms?: number
}

/** To ask for nothing in particular costs least. */
function requestOptions(timeoutMs: number | undefined): RequestOptions | undefined {
  return timeoutMs === undefined ? undefined : { timeoutMs }
}

function writeOptions({ client_id: client, sequence, revision, timeout_ms: timeoutMs }: WriteRequest): WriteOptions | undefined {
  const options = revision === true ? { ...requestOptions(timeoutMs), revision } : requestOptions(timeoutMs)
  if (client === undefined && sequence === undefined) return options
  if (client === undefined || sequence === undefined) {
    throw new AspenError('INVALID_REQUEST', 'client_id and sequence go together: give both or none')
  }
  return { ...options, origin: { client, sequence } }
}

/** Sends JSON that is text already, past the framework: what it would do for a reply costs more than the rest of a read. */
function sendText({ answers }: RouteContext, reply: FastifyReply, json: string): void {
  const size = Buffer.byteLength(json)
  const refusal = answers.take(reply.raw, size)
  if (refusal !== undefined) throw refusal
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': size })
  reply.raw.end(json)
}

/** A transaction has taken effect: no refusal of its answer may look as if it could be sent again. */
function sendResults(context: RouteContext, reply: FastifyReply, { logId, txn }: WriteResult, json: string): void {
  try {
    sendText(context, reply, json)
  } catch (error) {
    if (!(error instanceof AspenError)) throw error
    throw new AspenError('RESULT_TOO_LARGE', `the command took effect as entry ${logId.index}: ${error.message}`, {
      log_id: logId,
      succeeded: txn?.succeeded,
    })
  }
}

function handleWrite(context: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as WriteRequest
  settle(context.store.write(decodeCommand(body.command, body), writeOptions(body)), reply, (result) => {
    if (result.txn === undefined && result.revision === undefined) {
      sendText(context, reply, `{"success":true,"log_id":{"term":${result.logId.term},"index":${result.logId.index}}}`)
    } else {
      sendResults(context, reply, result, JSON.stringify(writeJson(result, body)))
    }
  })
}

function handleRead(context: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as ReadRequest
  settle(context.store.read(dataDecoder(body.keys)(body.key), requestOptions(body.timeout_ms)), reply, (entry) => {
    if (entry === undefined) throw new AspenError('KEY_NOT_FOUND', 'the key does not exist', { key: body.key })
    sendText(context, reply, JSON.stringify(body.metadata === true ? readJson(entry, body) : valueJson(entry, body)))
  })
}

function scanRequest(body: ScanRequestBody): ScanRequest {
  const decode = dataDecoder(body.keys)
  return {
    ...(body.prefix === undefined ? {} : { prefix: decode(body.prefix) }),
    ...(body.start === undefined ? {} : { start: decode(body.start) }),
    ...(body.end === undefined ? {} : { end: decode(body.end) }),
    ...(body.limit === undefined ? {} : { limit: body.limit }),
    ...(typeof body.token === 'string' ? { token: body.token } : {}),
  }
}

function handleScan(context: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as ScanRequestBody
  settle(context.store.scan(scanRequest(body), requestOptions(body.timeout_ms)), reply, (page) => {
    const entries = page.entries.map((entry) => entryJson(entry, body))
    sendText(context, reply, JSON.stringify({ entries, token: page.token }))
  })
}

export function kvRoutes(context: RouteContext): readonly Route[] {
  return [
    {
      method: 'POST',
      url: '/write',
      scope: 'write',
      operation: 'write',
      summary: 'Writes, deletes, or runs a transaction. Answered once a majority has it on disk.',
      body: WriteBody,
      answers: { 200: { description: 'Done, at this position of the log.', schema: WriteAnswer } },
      errors: quorumErrors(
        'INVALID_KEY',
        'KEY_TOO_LARGE',
        'VALUE_TOO_LARGE',
        'BATCH_TOO_LARGE',
        'COMMAND_TOO_LARGE',
        'RESULT_TOO_LARGE',
        'SEQUENCE_REUSED',
        'SEQUENCE_PASSED',
        'SESSION_UNKNOWN',
        'QUOTA_EXCEEDED',
        'DISK_FULL',
      ),
      handle: (request, reply) => handleWrite(context, request, reply),
    },
    {
      method: 'POST',
      url: '/read',
      scope: 'read',
      operation: 'read',
      summary: 'Reads one key, linearizably, from any node.',
      body: ReadBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'The newest value.', schema: ReadAnswer } },
      errors: readErrors('INVALID_KEY', 'KEY_TOO_LARGE', 'KEY_NOT_FOUND'),
      handle: (request, reply) => handleRead(context, request, reply),
    },
    {
      method: 'POST',
      url: '/scan',
      scope: 'read',
      operation: 'scan',
      summary: 'Reads one page of keys in byte order, by prefix or range. Each page is linearizable by itself.',
      body: ScanBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: {
        200: {
          description:
            'A page, which may be shorter than was asked for, and even so not the last one: only a token of null says that.',
          schema: ScanAnswer,
        },
      },
      errors: readErrors('INVALID_KEY', 'KEY_TOO_LARGE', 'INVALID_TOKEN'),
      handle: (request, reply) => handleScan(context, request, reply),
    },
  ]
}
