/** The controllers that the suite opens: in memory, a node, and an HTTP client of one. */
import assert from 'node:assert/strict'
import type { AddPeerRequest, ClusterController } from '../../src/api/index.ts'
import type { AspenNode, StorageBackend } from '../../src/cluster/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import type { ControllerPlace, OpenedController } from './cluster-controller-place.ts'
import { FACE_STORES, NodePlace, peerOf } from './node-places.ts'

const WAIT_MS = 60_000

/** Peers are only said to exist: each gets a key and an address of its own. */
export function memoryPlace(): ControllerPlace {
  let peers = 0
  const invent = async (nodeId: number): Promise<AddPeerRequest> => {
    const number = ++peers
    return { nodeId, endpointId: number.toString(16).padStart(64, 'f'), addresses: [`127.0.0.1:${30_000 + number}`] }
  }
  return {
    open: async () => {
      const cluster = new InMemoryCluster()
      const { nodeId, endpointId, addresses } = cluster.status()
      const self = { nodeId, endpointId, addresses }
      const nothing = async (): Promise<void> => undefined
      return { controller: cluster, store: cluster, self, another: invent, stranger: invent, end: nothing, met: nothing }
    },
    dispose: async () => undefined,
  }
}

/** Looks until the node has a link to the peer, or says why it has none. */
async function meet(node: AspenNode, endpointId: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  for (;;) {
    const peer = node.status().peers.find((one) => one.endpointId === endpointId)
    if (peer?.connected === true || peer?.lastError?.startsWith('CLUSTER_MISMATCH') === true) return
    if (performance.now() > deadline) assert.fail(`no link within ${WAIT_MS} ms: ${peer?.lastError ?? 'not known'}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function part(node: AspenNode, endpointId: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  while (node.status().peers.some((one) => one.endpointId === endpointId && one.connected)) {
    if (performance.now() > deadline) assert.fail(`the link was still there after ${WAIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function placeOf(
  connect: (nodes: NodePlace, node: AspenNode) => ClusterController | Promise<ClusterController>,
  storageBackend?: StorageBackend,
): ControllerPlace {
  const nodes = new NodePlace(storageBackend)
  const started = new Map<string, AspenNode>()
  return {
    open: async (): Promise<OpenedController> => {
      const node = await nodes.start(1)
      const start = async (nodeId: number): Promise<AspenNode> => {
        const other = await nodes.start(nodeId)
        started.set(other.endpointId, other)
        return other
      }
      return {
        controller: await connect(nodes, node),
        store: node,
        self: peerOf(node),
        another: async (nodeId) => peerOf(await start(nodeId)),
        stranger: async (nodeId) => {
          const other = await start(nodeId)
          await other.init([nodeId])
          return peerOf(other)
        },
        end: async ({ endpointId }) => {
          await started.get(endpointId)?.stop()
          await part(node, endpointId)
        },
        met: ({ endpointId }) => meet(node, endpointId),
      }
    },
    dispose: () => nodes.dispose(),
  }
}

export const nodePlace = (): ControllerPlace => placeOf((_nodes, node) => node)
export const volatileNodePlace = (): ControllerPlace => placeOf((_nodes, node) => node, 'InMemory')
export const httpPlace = (): ControllerPlace => placeOf((nodes, node) => nodes.http(node), FACE_STORES)
