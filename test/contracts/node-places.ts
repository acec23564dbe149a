/** Real nodes in this process for the contracts of the public interfaces, each in a temporary folder, and their faces. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddPeerRequest } from '../../src/api/index.ts'
import { connectHttp, connectLink } from '../../src/client/index.ts'
import type { AspenHttpClient, AspenLinkClient } from '../../src/client/index.ts'
import { AspenNode } from '../../src/cluster/index.ts'
import type { StorageBackend } from '../../src/cluster/index.ts'
import { createHttpServer, PrometheusMetrics } from '../../src/faces/http/index.ts'
import { silentLogger } from '../../src/ports/index.ts'
import { IS_FULL_VOLUME } from '../volume.ts'

const COOKIE = 'contract-cookie'

/** Behind a face, what keeps the data is no matter: CI alone tries both together. */
export const FACE_STORES: StorageBackend = IS_FULL_VOLUME ? 'Sqlite' : 'InMemory'

/** Starts nodes and connects clients; ends all of them in the end, the last first. */
export class NodePlace {
  readonly #root = mkdtempSync(join(tmpdir(), 'aspen-contract-'))
  readonly #closers: (() => unknown)[] = []
  readonly #storageBackend: StorageBackend
  #folders = 0

  constructor(storageBackend: StorageBackend = 'Sqlite') {
    this.#storageBackend = storageBackend
  }

  /** A node of no cluster. */
  async start(nodeId: number): Promise<AspenNode> {
    const node = await AspenNode.start({
      nodeId,
      dataDir: join(this.#root, `node-${nodeId}-${++this.#folders}`),
      storageBackend: this.#storageBackend,
      cookie: COOKIE,
      enableMdns: false,
      ractorPort: 0,
      heartbeatIntervalMs: 100,
      electionTimeoutMinMs: 500,
      electionTimeoutMaxMs: 1000,
    })
    this.#closers.push(() => node.stop())
    return node
  }

  /** A client of the node's HTTP face. */
  async http(node: AspenNode): Promise<AspenHttpClient> {
    const server = createHttpServer({
      store: node,
      controller: node,
      status: node,
      metrics: new PrometheusMetrics({ processMetrics: false }),
      logger: silentLogger,
      nodeId: node.nodeId,
      host: '127.0.0.1',
      port: 0,
    })
    const client = connectHttp(await server.listen())
    this.#closers.push(async () => {
      client.close()
      await server.close(0)
    })
    return client
  }

  /** A client of the node's links. */
  link(node: AspenNode): AspenLinkClient {
    const [address = ''] = node.status().addresses
    const client = connectLink({ endpoints: [{ endpointId: node.endpointId, address }], cookie: COOKIE })
    this.#closers.push(() => client.close())
    return client
  }

  async dispose(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close()
    rmSync(this.#root, { recursive: true })
  }
}

/** What other nodes need to know of a node. */
export function peerOf(node: AspenNode): AddPeerRequest {
  return { nodeId: node.nodeId, endpointId: node.endpointId, addresses: node.status().addresses }
}

export async function introduce(a: AspenNode, b: AspenNode): Promise<void> {
  await a.addPeer(peerOf(b))
  await b.addPeer(peerOf(a))
}
