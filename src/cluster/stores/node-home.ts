import type { Language } from '../../commands/index.ts'
import type { NodeIdentity } from '../../net/index.ts'
import type { RaftStores } from '../../node/index.ts'

/**
 * What the node of a process holds for as long as it lives: its key, and where its log, state and snapshots are. What one incarnation of
 * the replica lives on is opened in it, again for each, once the one before has closed.
 */
export interface NodeHome {
  readonly identity: NodeIdentity
  /** The file of the peer book, or null to keep it in memory. */
  readonly peerBookFile: string | null
  /** The file of what is known of every node, or null to keep it in memory. */
  readonly metadataFile: string | null
  /** Things a person should know about what was found. */
  readonly warnings: readonly string[]
  /** @throws Error when key and log do not belong together, when something is damaged, or while they are open */
  openStores(language?: Language): RaftStores
  /** Frees the data directory, or the memory, when log and state are closed. */
  release(): void
}
