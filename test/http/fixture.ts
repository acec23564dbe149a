/** A server over the in-memory cluster, and requests to it whose answers are checked against its own document. */
import { createHttpServer, PrometheusMetrics } from '../../src/faces/http/index.ts'
import type { HttpServer, HttpServerOptions } from '../../src/faces/http/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import type { InMemoryClusterOptions } from '../../src/testing/index.ts'
import { checkAnswer } from './check-answer.ts'
import type { OpenApiDocument } from './check-answer.ts'

export interface TestAnswer {
  readonly status: number
  // The tests compare whole bodies; their types are what is tested.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
  readonly text: string
  readonly headers: Readonly<Record<string, unknown>>
}

export interface LoggedLine {
  readonly level: string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>> | undefined
}

export interface Fixture {
  readonly cluster: InMemoryCluster
  readonly server: HttpServer
  readonly metrics: PrometheusMetrics
  readonly logged: readonly LoggedLine[]
  readonly openapi: OpenApiDocument
  get(path: string, headers?: Record<string, string>): Promise<TestAnswer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<TestAnswer>
  /** Sends the text as it is. */
  send(method: string, path: string, payload: string | Buffer | undefined, headers: Record<string, string>): Promise<TestAnswer>
}

export function createFixture(
  cluster: InMemoryClusterOptions = { initialized: true },
  options: Partial<HttpServerOptions> = {},
): Promise<Fixture> {
  return fixtureOver(new InMemoryCluster(cluster), options)
}

export async function fixtureOver(cluster: InMemoryCluster, options: Partial<HttpServerOptions> = {}): Promise<Fixture> {
  const logged: LoggedLine[] = []
  const metrics = new PrometheusMetrics({ processMetrics: false })
  const server = createHttpServer({
    store: cluster,
    controller: cluster,
    status: cluster,
    metrics,
    logger: { log: (level, message, facts) => logged.push({ level, message, facts }) },
    nodeId: cluster.nodeId,
    host: '127.0.0.1',
    port: 0,
    ...options,
  })
  await server.app.ready()
  const described = await server.app.inject({
    url: '/openapi.json',
    headers: { host: '127.0.0.1:8080', ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }) },
  })
  const openapi = described.json<OpenApiDocument>()

  async function send(
    method: string,
    path: string,
    payload: string | Buffer | undefined,
    headers: Record<string, string>,
  ): Promise<TestAnswer> {
    const answer = await server.app.inject({
      method: method as 'GET',
      url: path,
      headers: { host: '127.0.0.1:8080', ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    const isJson = String(answer.headers['content-type']).startsWith('application/json')
    const body: unknown = isJson && method !== 'HEAD' ? JSON.parse(answer.body) : answer.body
    if (method !== 'HEAD') checkAnswer(openapi, method, path.split('?', 1)[0] ?? '', answer.statusCode, body)
    return { status: answer.statusCode, body, text: answer.body, headers: answer.headers }
  }

  return {
    cluster,
    server,
    metrics,
    logged,
    openapi,
    send,
    get: (path, headers = {}) => send('GET', path, undefined, headers),
    post: (path, body, headers = {}) =>
      send('POST', path, JSON.stringify(body), { 'content-type': 'application/json', ...headers }),
  }
}
