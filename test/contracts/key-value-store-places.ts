/** The stores that the suite opens: in memory, a node of one, and the clients of such a node. */
import type { KeyValueStore } from '../../src/api/index.ts'
import type { AspenNode, StorageBackend } from '../../src/cluster/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import type { OpenedStore, StorePlace } from './key-value-store-place.ts'
import { FACE_STORES, introduce, NodePlace } from './node-places.ts'

export function memoryPlace(): StorePlace {
  return {
    open: async ({ founded = true } = {}) => {
      const cluster = new InMemoryCluster({ initialized: founded })
      return {
        store: cluster,
        direct: cluster,
        stall: async () => cluster.pause(),
        resume: () => cluster.resume(),
      }
    },
    dispose: async () => undefined,
  }
}

/** A second voter comes and dies: what is left is no majority. */
async function loseMajority(nodes: NodePlace, first: AspenNode): Promise<void> {
  const second = await nodes.start(2)
  await introduce(first, second)
  await first.addLearner(2)
  await first.changeMembership({ members: [1, 2] })
  await second.stop()
}

function placeOf(
  connect: (nodes: NodePlace, node: AspenNode) => KeyValueStore | Promise<KeyValueStore>,
  storageBackend?: StorageBackend,
): StorePlace {
  const nodes = new NodePlace(storageBackend)
  return {
    open: async ({ founded = true } = {}): Promise<OpenedStore> => {
      const node = await nodes.start(1)
      if (founded) await node.init([1])
      const store = await connect(nodes, node)
      return { store, direct: node, stall: () => loseMajority(nodes, node), resume: () => undefined }
    },
    dispose: () => nodes.dispose(),
  }
}

export const nodePlace = (): StorePlace => placeOf((_nodes, node) => node)
export const volatileNodePlace = (): StorePlace => placeOf((_nodes, node) => node, 'InMemory')
export const httpPlace = (): StorePlace => placeOf((nodes, node) => nodes.http(node), FACE_STORES)
export const linkPlace = (): StorePlace => placeOf((nodes, node) => nodes.link(node), FACE_STORES)
