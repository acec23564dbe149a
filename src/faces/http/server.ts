/**
 * The HTTP server of a node. It validates a request once, hands it to the public interfaces, and answers; it holds no
 * state of the cluster. Every answer, also of a refusal, is described by /openapi.json.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import Fastify from 'fastify'
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AspenError } from '../../api/index.ts'
import type {
  ActorAdmin,
  BackupSource,
  ClusterController,
  KeyValueStore,
  MemberAdmin,
  PeerAdmin,
  StatusSource,
} from '../../api/index.ts'
import {
  MAX_HELD_ANSWER_BYTES,
  MAX_HELD_BODY_BYTES,
  MAX_HTTP_BODY_SIZE,
  MAX_HTTP_CONNECTIONS,
  MAX_SURPLUS_CONNECTIONS,
} from '../../limits.ts'
import type { Logger, Tokens } from '../../ports/index.ts'
import { Audit } from './audit.ts'
import { AnswerBudget } from './answer-budget.ts'
import { BodyBudget, SMALL_BODY_BYTES } from './body-budget.ts'
import type { BodyReading } from './body-reader.ts'
import { clientErrorHandler } from './client-errors.ts'
import { adminRoutes } from './admin-routes.ts'
import { backupRoutes } from './backup-routes.ts'
import { clusterRoutes } from './cluster-routes.ts'
import { ConnectionBound } from './connection-bound.ts'
import type { ConnectionLimits } from './connection-bound.ts'
import { errorBody, expectedError, INTERNAL_ERROR, JSON_TYPE, rawAnswer, RETRY_AFTER_SECONDS } from './error-answers.ts'
import { acceptJsonOnly, LargeBodies } from './json-parser.ts'
import { memberRoutes } from './member-routes.ts'
import { peerRoutes } from './peer-routes.ts'
import { kvRoutes } from './kv-routes.ts'
import { makeLast } from './last-answer.ts'
import type { PrometheusMetrics } from './metrics.ts'
import { OneATurn } from './one-a-turn.ts'
import { describeRoutes } from './openapi.ts'
import { boundPipelines } from './pipeline-bound.ts'
import type { Pipelines } from './pipeline-bound.ts'
import { createRequestGuard, isLoopback } from './request-guard.ts'
import type { RequestGuard } from './request-guard.ts'
import { RequestTracker, RouteMetrics } from './request-tracking.ts'
import { statusErrors } from './route.ts'
import type { Route, RouteContext } from './route.ts'
import { Type } from './schema.ts'
import { RawConnections, replaceKeyPair, tlsOptions } from './tls.ts'
import type { TlsKeyPair } from './tls.ts'
import { TokenTable } from './token-table.ts'
import { statusRoutes } from './status-routes.ts'

const MAX_HEADER_BYTES = 16 * 1024
const HEADERS_TIMEOUT_MS = 5_000
const BODY_TIMEOUT_MS = 30_000
/** Above the 60 s for which balancers commonly keep a connection: the one who asks must be the one who closes. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000
/** How long idle connections of a server that closes may still send a request, which is refused in words. */
const IDLE_GRACE_MS = 1_000
/** A connection on which nothing moves, because nobody reads the answers, is closed. Above what a request may take. */
const STUCK_TIMEOUT_MS = 90_000
/** Node looks for timed out requests this often; by default every 30 s. */
const TIMEOUT_CHECK_INTERVAL_MS = 1_000

export interface HttpServerOptions {
  readonly store: KeyValueStore
  readonly controller: ClusterController
  readonly status: StatusSource
  /** For POST /admin/restart; it is not offered when absent. */
  readonly actors?: ActorAdmin
  /** For GET /why, POST /admin/promote-learner and /admin/transfer-leadership; they are not offered when absent. */
  readonly members?: MemberAdmin
  /** For GET /peers and POST /remove-peer; they are not offered when absent. */
  readonly peers?: PeerAdmin
  /** For GET /admin/backup; it is not offered when absent. */
  readonly backups?: BackupSource
  readonly metrics: PrometheusMetrics
  readonly logger: Logger
  readonly nodeId: number
  /** Address to bind to. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** One that allows everything. Asked of every request but GET /health and /ready; needed for any address but loopback, unless there are `tokens` or `insecure`. */
  readonly token?: string
  /** Serves HTTPS with it; plain HTTP when absent. */
  readonly tls?: TlsKeyPair
  /** Further tokens, which may change while it serves. */
  readonly tokens?: Tokens
  /** Serve without a token on an address that others can reach. */
  readonly insecure?: boolean
  /** Further names in Host headers that mean this node, without ports; '*' allows every name. */
  readonly allowedHosts?: readonly string[]
  /** Connections that are served, and those beyond that are refused in words. */
  readonly connectionLimits?: ConnectionLimits
  /** Bytes of large request bodies that are held at once. */
  readonly maxHeldBodyBytes?: number
  /** Bytes of answers that are held at once for clients that do not read them. */
  readonly maxHeldAnswerBytes?: number
  /** After this a connection on which nothing moves is closed, in milliseconds. */
  readonly stuckTimeoutMs?: number
  /** The time by which turns of the event loop are bounded, in milliseconds; of a clock that never goes back. */
  readonly now?: () => number
  /** How long an idle connection is kept, in milliseconds; 75,000 when absent. */
  readonly keepAliveMs?: number
  /** How long idle connections live once the server drains, in milliseconds; 1,000 when absent. */
  readonly idleGraceMs?: number
}

export interface HttpServer {
  /** Starts listening. @returns the URL @throws what the system says, EADDRINUSE among it */
  listen(): Promise<string>
  /**
   * From now on refuses what comes, on open and on new connections, and closes these with the refusal. Resolves when what was taken on
   * is answered and idle connections had their grace, after `drainMs` at the latest.
   */
  drain(drainMs: number): Promise<void>
  /** Drains for up to `drainMs`, then cuts what is left. */
  close(drainMs: number): Promise<void>
  /** Of HTTPS: new connections are served with it. @throws Error when the two do not fit */
  replaceTls(pair: TlsKeyPair): void
  /** The framework's instance, to inject requests without a socket. */
  readonly app: FastifyInstance
}

function tokensOf({ token, tokens }: HttpServerOptions): Tokens | undefined {
  if (token === undefined) return tokens
  return tokens ?? new TokenTable([{ name: 'http_token', scope: 'admin', token }])
}

/** The state of one server that its hooks share. */
interface Serving {
  readonly guard: RequestGuard
  readonly tracker: RequestTracker
  readonly audit: Audit
  readonly connections: ConnectionBound
  readonly largeBodies: LargeBodies
  readonly metrics: PrometheusMetrics
  readonly logger: Logger
  stopping: boolean
}

/** As {@link Pipelines.end}. */
type EndConnection = (socket: Socket, say: () => void) => void

function createApp(
  { metrics, stuckTimeoutMs = STUCK_TIMEOUT_MS, keepAliveMs = KEEP_ALIVE_TIMEOUT_MS, tls }: HttpServerOptions,
  end: EndConnection,
): FastifyInstance {
  const http = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
    // The guard refuses a request without a Host, and unlike Node it says why.
    requireHostHeader: false,
  }
  const options: FastifyHttpOptions<Server> = {
    logger: false,
    bodyLimit: MAX_HTTP_BODY_SIZE,
    requestTimeout: BODY_TIMEOUT_MS,
    connectionTimeout: stuckTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    // A refusal of ours, in our shape, takes the place of the framework's.
    return503OnClosing: false,
    clientErrorHandler: clientErrorHandler(metrics, end),
    ajv: {
      customOptions: { verbose: true, coerceTypes: false, removeAdditional: false, useDefaults: false, allowUnionTypes: true },
    },
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, expectedError(error) ?? INTERNAL_ERROR)
    },
  }
  // The same server to whoever uses it: only what lies below differs.
  const secured = tls === undefined ? null : { ...options, https: { ...http, ...tlsOptions(tls) } }
  const app = secured === null ? Fastify({ ...options, http }) : (Fastify(secured as object) as FastifyInstance)
  answerOddities(app, metrics, end)
  return app
}

/** What Node would decide by itself, without a word to the client or to the routes. */
function answerOddities({ server }: FastifyInstance, metrics: PrometheusMetrics, end: EndConnection): void {
  // Node would answer 417 without a body. RFC 9110 section 10.1.1 lets a server pass over what it is not able to meet.
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response))
  // Node would ask for the body before anybody has looked at the headers: see `onRequest`.
  server.on('checkContinue', (request, response) => void server.emit('request', request, response))
  // A client that has said all it will say may still be waiting for its answer.
  Object.assign(server, { httpAllowHalfOpen: true })
  server.on('connect', (_request, socket: Socket) => {
    metrics.counter('aspen_http_requests_total', { route: 'unreadable', status: '405' }).add()
    const error = new AspenError('METHOD_NOT_ALLOWED', 'this is a node and no proxy: CONNECT is not served')
    socket.on('error', () => undefined)
    end(socket, () => socket.end(rawAnswer(405, 'Method Not Allowed', error), () => socket.destroy()))
  })
}

function sendError(reply: FastifyReply, error: AspenError): void {
  if (hasMoreToSend(reply.request)) makeLast(reply.raw)
  if (error.status === 429) reply.header('retry-after', RETRY_AFTER_SECONDS)
  if (error.status === 401) reply.header('www-authenticate', 'Bearer')
  reply.code(error.status).header('content-type', JSON_TYPE).send(errorBody(error))
}

/** Answers with an error; what is full is counted. */
function refuse({ metrics }: Serving, reply: FastifyReply, error: AspenError): void {
  if (error.code === 'OVERLOADED') {
    const { queue } = error.details
    metrics.counter('aspen_overloaded_total', { queue: typeof queue === 'string' ? queue : 'other' }).add()
  }
  sendError(reply, error)
}

/** Whether a body that is not short, or does not say so, is still on its way: it stands between this request and the next. */
function hasMoreToSend({ raw }: FastifyRequest): boolean {
  const { 'content-length': declared = '0', 'transfer-encoding': encoding } = raw.headers
  return !raw.complete && (encoding !== undefined || Number(declared) > SMALL_BODY_BYTES)
}

/** Why a request may not go on, before its body is read. */
function refusal(serving: Serving, request: FastifyRequest, route: Route | undefined): AspenError | undefined {
  const refused = serving.guard(request.raw, route?.scope ?? 'read')
  if (refused !== undefined) return refused
  const surplus = route?.scope === 'open' ? undefined : serving.connections.refusal(request.raw.socket)
  if (surplus !== undefined) return surplus
  if (serving.stopping && route?.scope !== 'open') return new AspenError('STOPPING', 'this node is stopping: ask another one')
  if (route?.method === 'POST' && request.headers['content-type'] === undefined && !mayLackBody(route, request)) {
    return new AspenError('UNSUPPORTED_MEDIA_TYPE', 'the body must be JSON: send Content-Type: application/json')
  }
  return undefined
}

/** Where the body may be left out, so may its type. */
function mayLackBody(route: Route, request: FastifyRequest): boolean {
  const { headers } = request
  const empty = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
  return empty && route.url === '/trigger-snapshot'
}

function onRequest(serving: Serving, metrics: RouteMetrics, route: Route | undefined) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    serving.tracker.begin(reply.raw, metrics)
    if (route?.method === 'POST') serving.largeBodies.expect(request.raw, reply.raw, route.maxBodyBytes ?? MAX_HTTP_BODY_SIZE)
    const refused = refusal(serving, request, route)
    const { expect } = request.headers
    if (expect !== undefined && expect.toLowerCase() === '100-continue') {
      // Whether the body of a refused request comes after all is not to be known: the connection is of no further use.
      if (refused === undefined) reply.raw.writeContinue()
      else reply.raw.shouldKeepAlive = false
    }
    if (refused === undefined && !serving.stopping) return done()
    // A connection over the bound, or to a node that stops, must not be kept.
    if (serving.stopping || refused?.code === 'OVERLOADED') reply.raw.shouldKeepAlive = false
    if (refused === undefined) done()
    else refuse(serving, reply, refused)
  }
}

function handleErrors(app: FastifyInstance, serving: Serving): void {
  app.setErrorHandler((error, request, reply) => {
    const expected = expectedError(error)
    if (expected === undefined) {
      const { method, url, routeOptions } = request
      const { name } = error as Error
      const same = { cause: 'INTERNAL_ERROR', from: `${routeOptions.url ?? ''} ${name}` }
      serving.logger.log('error', 'a request met an unexpected error', { method, url, error }, same)
    }
    refuse(serving, reply, expected ?? INTERNAL_ERROR)
  })
}

function handleUnknown(app: FastifyInstance, serving: Serving, routes: readonly Route[], metrics: PrometheusMetrics): void {
  const methods = new Map(routes.map((route) => [route.url, route.method === 'GET' ? 'GET, HEAD' : 'POST']))
  const begin = onRequest(serving, new RouteMetrics(metrics, 'unknown'), undefined)
  const answer = (request: FastifyRequest, reply: FastifyReply): void => {
    const path = request.url.split('?', 1)[0] ?? ''
    const allowed = methods.get(path)
    if (allowed === undefined) {
      sendError(reply, new AspenError('NOT_FOUND', 'there is no such route: GET /openapi.json lists them all'))
    } else {
      reply.header('allow', allowed)
      sendError(reply, new AspenError('METHOD_NOT_ALLOWED', `${path} takes ${allowed} only`, { allowed }))
    }
  }
  // The handler would be asked once the body had been read.
  app.addHook('onRequest', (request, reply, done) => {
    if (request.is404) begin(request, reply, () => answer(request, reply))
    else done()
  })
  app.setNotFoundHandler(answer)
}

function audited(audit: Audit) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    audit.answered(request, reply.statusCode)
    done()
  }
}

function addRoute(app: FastifyInstance, serving: Serving, route: Route, metrics: PrometheusMetrics): void {
  const response: Record<string, unknown> = {}
  for (const [status, { schema, contentType }] of Object.entries(route.answers)) {
    if (contentType === undefined) response[status] = schema
  }
  metrics.counter('aspen_http_requests_total', { route: route.url, status: '200' })
  app.route({
    method: route.method,
    url: route.url,
    schema: { ...(route.body === undefined ? {} : { body: route.body }), response },
    onRequest: onRequest(serving, new RouteMetrics(metrics, route.url), route),
    ...(route.scope === 'admin' ? { onResponse: audited(serving.audit) } : {}),
    handler: route.handle,
  })
}

function openapiRoute(describe: () => string): Route {
  // As bytes: its string would be encoded anew for each answer.
  let document: Buffer | null = null
  return {
    method: 'GET',
    url: '/openapi.json',
    scope: 'read',
    operation: 'openapi',
    summary: 'This document.',
    answers: { 200: { description: 'An OpenAPI 3.1 document.', schema: Type.Object({}, { additionalProperties: true }) } },
    errors: statusErrors(),
    handle: (_request, reply) => {
      document ??= Buffer.from(describe())
      reply.header('content-type', JSON_TYPE).send(document)
    },
  }
}

function baseUrl(app: FastifyInstance, scheme: 'http' | 'https'): string {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the HTTP server is not bound to a port')
  return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

/** Resolves after this time at the latest. */
async function within(ms: number, ...waits: readonly Promise<void>[]): Promise<void> {
  const time = Promise.withResolvers<void>()
  const timer = setTimeout(time.resolve, ms)
  await Promise.race([time.promise, ...waits])
  clearTimeout(timer)
}

async function drain({ tracker, connections }: Serving, drainMs: number, idleGraceMs: number): Promise<void> {
  const end = performance.now() + drainMs
  const left = (): number => Math.max(0, end - performance.now())
  await within(drainMs, tracker.drain())
  // Whoever has an idle connection may be sending right now: it hears why, and that it must not use it again.
  await within(Math.min(left(), idleGraceMs), connections.none())
  await within(left(), tracker.drain())
}

async function cut(app: FastifyInstance, raw: RawConnections | null): Promise<void> {
  const closed = app.close()
  // What is left are idle connections, half-sent requests, and requests past the deadline; they would hold up the close.
  app.server.closeAllConnections()
  raw?.destroy()
  await closed
}

function bodyReading({ maxHeldBodyBytes = MAX_HELD_BODY_BYTES }: HttpServerOptions, pipelines: Pipelines): BodyReading {
  return {
    budget: new BodyBudget(maxHeldBodyBytes),
    large: new OneATurn(),
    pieceCame: ({ socket }) => pipelines.pieceCame(socket),
  }
}

function routesOf(options: HttpServerOptions, serving: Serving): readonly Route[] {
  const { store, controller, status, actors = null, members = null, peers = null, backups = null, metrics } = options
  const context: RouteContext = {
    store,
    controller,
    status,
    actors,
    members,
    peers,
    backups,
    metrics,
    answers: new AnswerBudget(options.maxHeldAnswerBytes ?? MAX_HELD_ANSWER_BYTES),
    stopping: () => serving.stopping,
    trusts: (request) => serving.guard(request, 'read') === undefined,
  }
  const routes: readonly Route[] = [
    ...statusRoutes(context),
    ...clusterRoutes(context),
    ...adminRoutes(context),
    ...backupRoutes(context),
    ...memberRoutes(context),
    ...peerRoutes(context),
    ...kvRoutes(context),
    openapiRoute(() => describeRoutes(routes, tokensOf(options) !== undefined)),
  ]
  return routes
}

/**
 * The HTTP face of a node.
 * @throws AspenError FORBIDDEN when the address is not loopback and there is neither a token nor `insecure`
 */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { host, port, metrics, logger } = options
  const tokens = tokensOf(options)
  if (!isLoopback(host) && tokens === undefined && options.insecure !== true) {
    throw new AspenError('FORBIDDEN', `${host} can be reached by others: give a token, or allow it explicitly as insecure`)
  }
  const app = createApp(options, (socket, say) => pipelines.end(socket, say))
  const audit = new Audit(logger, tokens !== undefined)
  const guard = createRequestGuard({ host, allowedHosts: options.allowedHosts ?? [], tokens, identified: audit.identified })
  const isSecure = options.tls !== undefined
  const event = isSecure ? 'secureConnection' : 'connection'
  const raw = isSecure ? new RawConnections(app.server) : null
  const limits = options.connectionLimits ?? { served: MAX_HTTP_CONNECTIONS, surplus: MAX_SURPLUS_CONNECTIONS }
  const connections = new ConnectionBound(app.server, { ...limits, event }, () => {
    metrics.counter('aspen_overloaded_total', { queue: 'http_connections' }).add()
  })
  const pipelines: Pipelines = boundPipelines(app.server, {
    event,
    refused: () => metrics.counter('aspen_overloaded_total', { queue: 'http_pipeline' }).add(),
    now: options.now ?? (() => performance.now()),
  })
  const tracker = new RequestTracker(pipelines)
  const serving: Serving = {
    guard,
    audit,
    tracker,
    connections,
    largeBodies: new LargeBodies(),
    metrics,
    logger,
    stopping: false,
  }
  const routes = routesOf(options, serving)
  metrics.watch(options.status)
  acceptJsonOnly(app, bodyReading(options, pipelines), serving.largeBodies)
  handleErrors(app, serving)
  handleUnknown(app, serving, routes, metrics)
  void app.register(async (scope) => {
    for (const route of routes) addRoute(scope, serving, route, metrics)
  })
  const { idleGraceMs = IDLE_GRACE_MS } = options
  let closing: Promise<void> | null = null
  const drainWithin = (drainMs: number): Promise<void> => {
    serving.stopping = true
    return drain(serving, drainMs, idleGraceMs)
  }
  return {
    app,
    listen: async () => {
      await app.listen({ host, port })
      const url = baseUrl(app, isSecure ? 'https' : 'http')
      logger.log('info', 'HTTP API listens', { url, node_id: options.nodeId })
      return url
    },
    replaceTls: (pair) => replaceKeyPair(app.server, pair),
    drain: drainWithin,
    close: (drainMs) => {
      closing ??= drainWithin(drainMs).then(() => cut(app, raw))
      return closing
    },
  }
}
