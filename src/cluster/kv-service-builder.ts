import { KvClient } from '../api/index.ts'
import { AspenNode } from './aspen-node.ts'
import type { NodeConfig, StorageBackend } from './config/index.ts'
import type { NodeDependencies } from './node-dependencies.ts'

/** A running node and a client of it. */
export interface KvService {
  readonly node: AspenNode
  readonly client: KvClient
  stop(): Promise<void>
}

/**
 * Starts a node step by step; `AspenNode.start` does the same with one object of settings.
 *
 * @example
 * const service = await new KvServiceBuilder(1).dataDir('./data/node-1').cookie('dev-cluster').start()
 * await service.node.init([1])
 * await service.client.set('hello', 'world')
 */
export class KvServiceBuilder {
  readonly #settings: Partial<NodeConfig> & Pick<NodeConfig, 'nodeId'>
  readonly #dependencies: NodeDependencies

  constructor(nodeId: number) {
    this.#settings = { nodeId }
    this.#dependencies = {}
  }

  dataDir(directory: string): this {
    return this.with({ dataDir: directory })
  }

  storage(storageBackend: StorageBackend): this {
    return this.with({ storageBackend })
  }

  cookie(cookie: string): this {
    return this.with({ cookie })
  }

  /** Where links from other nodes are accepted; port 0 is any free one. */
  listen(ractorHost: string, ractorPort: number): this {
    return this.with({ ractorHost, ractorPort })
  }

  /** Any settings; later ones win. */
  with(settings: Partial<NodeConfig>): this {
    Object.assign(this.#settings, settings)
    return this
  }

  /** Logger, metrics, and what to do when the node stops itself. */
  using(dependencies: NodeDependencies): this {
    Object.assign(this.#dependencies, dependencies)
    return this
  }

  /** @throws what `AspenNode.start` throws */
  async start(): Promise<KvService> {
    const node = await AspenNode.start(this.#settings, this.#dependencies)
    return { node, client: new KvClient(node), stop: () => node.stop() }
  }
}
