/**
 * The HTTP server of a simulated node: the one of production, asked without a socket. Making one takes some 50 ms, a
 * hundred times what a request takes, so they are kept, and given to other nodes by later runs.
 */
import { AspenError } from '../src/api/index.ts'
import type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterState,
  Data,
  KeyValue,
  KeyValueStore,
  NodeStatus,
  RequestOptions,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  StatusSource,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../src/api/index.ts'
import { headersOf } from '../src/client/exchange.ts'
import type { Answer, Exchange } from '../src/client/exchange.ts'
import { createHttpServer, PrometheusMetrics } from '../src/faces/http/index.ts'
import type { HttpServer } from '../src/faces/http/index.ts'
import type { NodeService } from '../src/node/index.ts'
import type { Logger } from '../src/ports/index.ts'
import type { Turns } from './turns.ts'

interface Attached {
  readonly service: NodeService
  readonly turns: Turns
  /** Rejects when the process has ended: nobody in it will answer. */
  readonly ended: Promise<never>
  readonly end: () => void
}

/** What the routes of a server are served from: whatever process there is at the moment. */
class PresentNode implements KeyValueStore, ClusterController, StatusSource {
  attached: Attached | null = null

  write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    return this.#ask((service) => service.write(command, options))
  }

  read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    return this.#ask((service) => service.read(key, options))
  }

  scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    return this.#ask((service) => service.scan(request, options))
  }

  init(members: readonly number[], options?: RequestOptions): Promise<ClusterState> {
    return this.#ask((service) => service.init(members, options))
  }

  addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState> {
    return this.#ask((service) => service.addLearner(nodeId, endpointId, options))
  }

  changeMembership(change: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState> {
    return this.#ask((service) => service.changeMembership(change, options))
  }

  clusterState(): Promise<ClusterState> {
    return this.#ask((service) => service.clusterState())
  }

  addPeer(peer: AddPeerRequest): Promise<void> {
    return this.#ask((service) => service.addPeer(peer))
  }

  forgetPeer(endpointId: string): Promise<void> {
    return this.#ask((service) => service.forgetPeer(endpointId))
  }

  leader(): Promise<number | null> {
    return this.#ask((service) => service.leader())
  }

  raiseVersion(version: number, options?: RequestOptions): Promise<void> {
    return this.#ask((service) => service.raiseVersion(version, options))
  }

  triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport> {
    return this.#ask((service) => service.triggerSnapshot(options))
  }

  status(): NodeStatus {
    return this.#present().service.status()
  }

  #present(): Attached {
    if (this.attached === null) throw new AspenError('STOPPING', 'the process has ended')
    return this.attached
  }

  /** While the node works on it, which takes events, no event has to wait for the request. */
  async #ask<T>(ask: (service: NodeService) => Promise<T>): Promise<T> {
    const { service, turns, ended } = this.#present()
    turns.release()
    try {
      return await Promise.race([ask(service), ended])
    } finally {
      turns.hold()
    }
  }
}

export class HttpFace {
  readonly #node = new PresentNode()
  readonly #server: HttpServer

  private constructor() {
    const logger: Logger = {
      // A mistake of the code that would otherwise hide in an answer 500.
      log: (level, message, facts) => {
        if (level === 'error') this.#node.attached?.turns.fail(facts?.['error'] ?? new Error(message))
      },
    }
    const metrics = new PrometheusMetrics({ processMetrics: false })
    const node = this.#node
    this.#server = createHttpServer({
      store: node,
      controller: node,
      status: node,
      metrics,
      logger,
      nodeId: 0,
      host: '127.0.0.1',
      port: 0,
    })
  }

  static async open(): Promise<HttpFace> {
    const face = new HttpFace()
    await face.#server.app.ready()
    return face
  }

  /** Serves this process from now on. */
  attach(service: NodeService, turns: Turns): void {
    const { promise: ended, reject } = Promise.withResolvers<never>()
    ended.catch(() => undefined)
    const end = (): void => {
      reject(new AspenError('STOPPING', 'the process has ended'))
      turns.ask()
    }
    this.#node.attached = { service, turns, ended, end }
  }

  /** The process has ended, or the run has. */
  detach(): void {
    this.#node.attached?.end()
    this.#node.attached = null
  }

  /** Hands a request to the process that is attached. Its answer comes after some turns of the event loop, or some events. */
  ask(exchange: Exchange, answered: (answer: Answer) => void): void {
    const turns = this.#node.attached?.turns
    if (turns === undefined) throw new Error(`no process serves ${exchange.url.origin}`)
    turns.hold()
    const { method, path, body, url } = exchange
    const headers = { host: url.host, ...headersOf(exchange) }
    this.#server.app.inject({ method, url: path, headers, ...(body === null ? {} : { payload: body }) }, (error, response) => {
      turns.release()
      if (response === undefined) turns.fail(error ?? new Error('a request was answered with nothing'))
      else answered({ status: response.statusCode, text: response.payload })
    })
  }
}

const idle: HttpFace[] = []

/** So many servers, some of them made just now. They are to be given back. */
export async function takeFaces(count: number): Promise<HttpFace[]> {
  while (idle.length < count) idle.push(await HttpFace.open())
  return idle.splice(-count, count)
}

export function returnFaces(faces: readonly HttpFace[]): void {
  for (const face of faces) face.detach()
  idle.push(...faces)
}
