import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { generateIdentity } from '../../net/index.ts'
import { IDENTITY_FILE } from '../identity/index.ts'
import { MemoryStores } from './memory-stores.ts'
import type { NodeHome } from './node-home.ts'

/** Everything in memory, the key included: it outlives the replica, and when it is released this node is gone for good. */
export function openMemoryHome(dataDir: string): NodeHome {
  const stores = new MemoryStores((run) => void setImmediate(run))
  return {
    identity: generateIdentity(),
    peerBookFile: null,
    metadataFile: null,
    warnings: memoryWarnings(dataDir),
    openStores: (language) => stores.open(language),
    release: () => stores.release(),
  }
}

function memoryWarnings(dataDir: string): string[] {
  const kept = 'storage_backend is InMemory: nothing is kept, and when this node ends its key and all it knows are gone for good'
  const identity = join(dataDir, IDENTITY_FILE)
  if (!existsSync(identity)) return [kept]
  return [kept, `${dataDir} holds a durable node, which this one is not: give storage_backend Sqlite to start it`]
}
