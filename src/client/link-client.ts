import { AspenError, checkOptions, checkScan, ERROR_CATALOGUE, remainingRange, scanLimit, toKey } from '../api/index.ts'
import type {
  Data,
  ErrorCode,
  KeyValue,
  KeyValueStore,
  RequestOptions,
  ScanPage,
  ScanRequest,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../api/index.ts'
import { encodeWrite } from '../commands/index.ts'
import { MAX_CLIENT_LINK_REQUEST_BYTES, MAX_CLIENT_LINK_REQUESTS, MAX_CLIENT_REQUEST_BYTES } from '../limits.ts'
import { LinkDialer } from '../net/direct/dial/index.ts'
import { CLIENT_PROTOCOL } from '../wire/index.ts'
import { Attempts } from './attempts.ts'
import type { Attempt } from './attempts.ts'
import { ExchangeFailure } from './exchange.ts'
import type { LinkOutcome, RequestBody } from './link-call.ts'
import { LinkConnection } from './link-connection.ts'
import { linkError } from './link-failure.ts'
import { checkLinkOptions } from './link-options.ts'
import type { LinkClientOptions } from './link-options.ts'

const KEEP_ALIVE_MS = 1_000
/** Of a call that nobody has sent yet: how much of its time one node may take to be linked, when there are others. */
const CONNECT_SHARE = 0.5
const MIN_CONNECT_MS = 500
/** What a request counts as beside its bytes. */
const REQUEST_OVERHEAD = 64

interface LinkRequest<T> {
  readonly body: RequestBody
  readonly size: number
  readonly repeatable: boolean
  /** Whether it changes something. False when absent. */
  readonly changes?: boolean
  readonly timeoutMs: number | undefined
  /** The meaning of an answer of the kind that was asked for; undefined for any other. */
  read(answer: Exclude<LinkOutcome, Error>): T | undefined
}

/**
 * A cluster over links: one connection to a node carries up to a thousand requests at a time. Any of the nodes given
 * answers; when one does not, the next is asked, but a write without an origin is never sent twice unless it
 * provably changed nothing. Links are made when they are needed, and keep no process running.
 *
 * Rejects with an AspenError: OUTCOME_UNKNOWN when a write was sent and not answered, NO_LEADER when no node was
 * reached, UNAUTHORIZED when the cookies differ, NODE_UNKNOWN when another node answers at an address.
 */
export class AspenLinkClient implements KeyValueStore {
  readonly #options: LinkClientOptions
  readonly #connections: readonly LinkConnection[]
  readonly #attempts: Attempts
  #dialer: Promise<LinkDialer> | undefined
  #pendingBytes = 0
  #closed = false

  constructor(options: LinkClientOptions) {
    const own = checkLinkOptions(options, MAX_CLIENT_LINK_REQUESTS)
    this.#options = own
    const { endpoints, maxInFlight = MAX_CLIENT_LINK_REQUESTS, keepAliveMs = KEEP_ALIVE_MS } = own
    const dialer = (): Promise<LinkDialer> => this.#openDialer()
    this.#connections = endpoints.map((endpoint) => new LinkConnection({ endpoint, dialer, maxInFlight, keepAliveMs }))
    this.#attempts = new Attempts(endpoints.length)
  }

  async write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    const checked = checkOptions(options)
    const envelope = encodeWrite(command, checked)
    return this.#call({
      body: { type: 'write', envelope },
      size: envelope.length + REQUEST_OVERHEAD,
      repeatable: checked.origin !== undefined,
      changes: true,
      timeoutMs: checked.timeoutMs,
      read: (answer) => (answer.type === 'written' ? ownedResult(answer.result) : undefined),
    })
  }

  async read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    const bytes = toKey(key)
    const entry = await this.#call({
      body: { type: 'read', key: bytes },
      size: bytes.length + REQUEST_OVERHEAD,
      repeatable: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: (answer) => (answer.type === 'found' ? answer.entry : undefined),
    })
    return entry === null ? undefined : owned(entry)
  }

  async scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    // The node checks the same; here nothing is sent that it would refuse.
    const checked = checkScan(request)
    remainingRange(checked)
    scanLimit(checked)
    const page = await this.#call({
      body: { type: 'scan', request: checked },
      size: scanSize(checked) + REQUEST_OVERHEAD,
      repeatable: true,
      timeoutMs: checkOptions(options).timeoutMs,
      read: (answer) => (answer.type === 'page' ? answer.page : undefined),
    })
    return { entries: page.entries.map(owned), token: page.token }
  }

  /** Closes the links. What is under way is told so; what was sent and not answered has an unknown outcome. */
  close(): void {
    this.#closed = true
    for (const connection of this.#connections) connection.close()
  }

  async #call<T>(request: LinkRequest<T>): Promise<T> {
    if (this.#pendingBytes + request.size > MAX_CLIENT_REQUEST_BYTES) {
      const limit = MAX_CLIENT_REQUEST_BYTES
      throw new AspenError('OVERLOADED', `the calls of this client that wait have ${this.#pendingBytes} bytes`, { limit })
    }
    this.#pendingBytes += request.size
    const { endpoints } = this.#options
    try {
      return await this.#attempts.run({
        repeatable: request.repeatable,
        changes: request.changes ?? false,
        timeoutMs: request.timeoutMs ?? this.#options.timeoutMs,
        attempt: (node, budgetMs) => this.#attempt(request, node, budgetMs),
        giveUp: (failure, node) => linkError(failure, request.body.type, endpoints[node] as (typeof endpoints)[number]),
      })
    } finally {
      this.#pendingBytes -= request.size
    }
  }

  async #attempt<T>(request: LinkRequest<T>, node: number, budgetMs: number): Promise<Attempt<T>> {
    if (this.#closed) return { failure: new AspenError('INVALID_REQUEST', 'this client has been closed') }
    const waitMs = this.#connections.length > 1 ? Math.max(MIN_CONNECT_MS, budgetMs * CONNECT_SHARE) : budgetMs
    const connection = this.#connections[node] as LinkConnection
    const outcome = await connection.exchange(request.body, request.size, waitMs, budgetMs)
    if (outcome instanceof Error) return { failure: outcome }
    if (outcome.type === 'error') return { failure: refusal(outcome) }
    const value = request.read(outcome)
    if (value !== undefined) return { value }
    return { failure: new ExchangeFailure(`the node answered the ${request.body.type} with ${outcome.type}`, true) }
  }

  #openDialer(): Promise<LinkDialer> {
    const { cookie, identity, scryptCost } = this.#options
    this.#dialer ??= LinkDialer.create({
      cookie,
      protocol: CLIENT_PROTOCOL,
      maxQueueBytes: 2 * MAX_CLIENT_LINK_REQUEST_BYTES,
      ...(identity === undefined ? {} : { identity }),
      ...(scryptCost === undefined ? {} : { scryptCost }),
    })
    return this.#dialer
  }
}

/**
 * A client of these nodes over their links. Nothing is sent before the first call.
 *
 * @example
 * const aspen = connectLink({ endpoints: [{ endpointId, address: '127.0.0.1:26001' }], cookie: 'dev-cluster' })
 * await aspen.write({ Set: { key: 'hello', value: 'world' } })
 * @throws AspenError INVALID_REQUEST for settings that cannot be
 */
export function connectLink(options: LinkClientOptions): AspenLinkClient {
  return new AspenLinkClient(options)
}

function scanSize({ prefix, start, end, token }: ScanRequest): number {
  return [prefix, start, end, token].reduce((sum, part) => sum + (part?.length ?? 0), 0)
}

function refusal({ code, message, details }: Extract<LinkOutcome, { readonly type: 'error' }>): AspenError {
  if (Object.hasOwn(ERROR_CATALOGUE, code)) return new AspenError(code as ErrorCode, message, details)
  return new AspenError('INTERNAL', `the node answered ${code}: ${message}`, details)
}

/** Copies: a view would keep all that arrived with it in memory for as long as its user keeps it. */
function owned(entry: KeyValue): KeyValue {
  return { ...entry, key: entry.key.slice(), value: entry.value.slice() }
}

function ownedResult(result: WriteResult): WriteResult {
  if (result.txn === undefined) return result
  const results = result.txn.results.map((one) =>
    one.type === 'get' && one.entry !== null ? { ...one, entry: owned(one.entry) } : one,
  )
  return { ...result, txn: { ...result.txn, results } }
}
