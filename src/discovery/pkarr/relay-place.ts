/** A pkarr relay: keeps signed records, over HTTP. What it says is checked; where it leads to is not gone. */
import { request as requestHttp } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import { fromHex, toZBase32 } from '../../lib/index.ts'
import { MAX_PKARR_PAYLOAD_SIZE } from '../../limits.ts'
import type { Clock, Signatures } from '../../ports/index.ts'
import { PlaceError } from './record-place.ts'
import type { RecordPlace } from './record-place.ts'
import { fromPayload, isSignedBy, toPayload } from './signed-record.ts'
import type { SignedRecord } from './signed-record.ts'

/** For all of a request once its name is looked up, which has a bound of its own. */
const REQUEST_TIMEOUT_MS = 5_000
/** After 429 without a word of how long. */
const BUSY_RETRY_MS = 60_000
const CONFLICTS: ReadonlySet<number | undefined> = new Set([409, 412, 428])

/** Host name to IP addresses. */
export type Resolve = (host: string) => Promise<readonly string[]>

export interface RelayOptions {
  /** http or https, with a path where it has one. */
  readonly url: string
  readonly clock: Clock
  readonly signatures: Signatures
  readonly resolve: Resolve
}

type Method = 'GET' | 'PUT'

interface Reply {
  readonly status: number | undefined
  readonly retryAfterMs: number
  readonly body: Buffer
}

export class RelayPlace implements RecordPlace {
  readonly name: string
  readonly concurrency = 4
  readonly #options: RelayOptions
  readonly #url: URL
  /** Each gives a request up. */
  readonly #open = new Set<(error: PlaceError) => void>()
  #isClosed = false

  constructor(options: RelayOptions) {
    this.#options = options
    this.#url = new URL(options.url)
    // Without what may be a password.
    this.name = `the relay ${this.#url.origin}${this.#url.pathname}`
  }

  async put(record: SignedRecord, replaces: number | null): Promise<void> {
    const { status, retryAfterMs } = await this.#send('PUT', this.#options.signatures.endpointId, toPayload(record), replaces)
    if (status !== undefined && status >= 200 && status < 300) return
    const isConflict = CONFLICTS.has(status)
    throw new PlaceError(isConflict ? `another record of this node is there (${status})` : refusal(status), {
      isConflict,
      retryAfterMs: status === 429 ? retryAfterMs || BUSY_RETRY_MS : retryAfterMs,
    })
  }

  async get(endpointId: string): Promise<SignedRecord | null> {
    const { status, body } = await this.#send('GET', endpointId, null, null)
    if (status === 404) return null
    if (status !== 200) throw new PlaceError(refusal(status))
    const record = fromPayload(body)
    if (record === null || !isSignedBy(endpointId, record, this.#options.signatures))
      throw new PlaceError(`what is there for ${endpointId} is not signed by it`)
    return record
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const giveUp of this.#open) giveUp(new PlaceError('this node stops'))
  }

  async #send(method: Method, endpointId: string, body: Buffer | null, replaces: number | null): Promise<Reply> {
    const hosts = await this.#options.resolve(this.#url.hostname.replace(/^\[(.*)\]$/, '$1'))
    if (this.#isClosed) throw new PlaceError('this node stops')
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const url = new URL(this.#url)
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${toZBase32(fromHex(endpointId))}`
    const options: RequestOptions = { method, agent: false, lookup: lookUpIn(hosts), headers: headersOf(body, replaces) }
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options)
    const giveUp = (error: PlaceError): void => {
      reject(error)
      timer.cancel()
      this.#open.delete(giveUp)
      request.destroy()
    }
    const timer = this.#options.clock.setTimer(REQUEST_TIMEOUT_MS, () =>
      giveUp(new PlaceError(`no whole answer within ${REQUEST_TIMEOUT_MS} ms`)),
    )
    this.#open.add(giveUp)
    request.on('error', (error: NodeJS.ErrnoException) => giveUp(new PlaceError(`${error.code ?? 'FAILED'}: ${error.message}`)))
    request.on('close', () => giveUp(new PlaceError('the answer broke off')))
    request.on('response', (response) => {
      readReply(response, method === 'GET', (error, reply) => {
        if (error === null) resolve(reply)
        giveUp(error ?? new PlaceError('it is done'))
      })
    })
    request.end(body)
    return promise
  }
}

/** To whoever connects to a name that has been looked up. */
function lookUpIn(hosts: readonly string[]): LookupFunction {
  const addresses = hosts.map((address) => ({ address, family: isIP(address) }))
  return (name, { all }, done) => {
    const [first] = addresses
    if (first === undefined) done(Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' }), [])
    else if (all === true) done(null, addresses)
    else done(null, first.address, first.family)
  }
}

/** Two versions of the relays' description have two conditions; each takes no notice of the other. */
function headersOf(body: Buffer | null, replaces: number | null): Record<string, string | number> {
  if (body === null) return {}
  const fixed = { 'content-type': 'application/pkarr.org/relays#payload', 'content-length': body.length }
  if (replaces === null) return fixed
  return { ...fixed, 'if-match': String(replaces), 'if-unmodified-since': new Date(replaces / 1_000).toUTCString() }
}

function readReply(response: IncomingMessage, hasBody: boolean, done: (error: PlaceError | null, reply: Reply) => void): void {
  const { statusCode: status, headers } = response
  const parts: Buffer[] = []
  let size = 0
  const reply = (): Reply => ({ status, retryAfterMs: retryAfterOf(headers['retry-after']), body: Buffer.concat(parts) })
  response.on('error', () => undefined)
  if (!hasBody || status !== 200) return done(null, reply())
  response.on('data', (part: Buffer) => {
    size += part.length
    if (size <= MAX_PKARR_PAYLOAD_SIZE) return void parts.push(part)
    parts.length = 0
    done(new PlaceError(`it answers with more than ${MAX_PKARR_PAYLOAD_SIZE} bytes`), reply())
  })
  response.on('end', () => {
    if (response.complete) done(null, reply())
  })
}

function retryAfterOf(value: string | undefined): number {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : 0
}

function refusal(status: number | undefined): string {
  if (status !== undefined && status >= 300 && status < 400) return `it answers ${status}: redirections are not followed`
  return status === 429 ? 'it answers 429: too many requests' : `it answers ${status}`
}
