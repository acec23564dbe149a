/** A backup of the cluster, as a stream of bytes, made of a copy of the state at one node. */
import { checkBackup } from '../../api/index.ts'
import type { Backup, BackupOptions } from '../../api/index.ts'
import type { NodeService, StateCopy } from '../../node/index.ts'
import { BACKUP_BLOCK_SIZE, BackupEncoder } from '../../storage/index.ts'

/** As {@link BackupSource} says. */
export async function backupOf(node: Pick<NodeService, 'copyState'>, options?: BackupOptions): Promise<Backup> {
  const checked = checkBackup(options)
  const copy = await node.copyState(checked)
  return new StateBackup(copy, checked.local ?? false, new Date())
}

class StateBackup implements Backup {
  readonly fileName: string
  readonly sizeBytes: number
  readonly #copy: StateCopy
  readonly #encoder: BackupEncoder
  #isRead = false

  constructor(copy: StateCopy, local: boolean, now: Date) {
    const { nodeId, snapshot } = copy
    const { clusterId, clusterVersion, last, membership, sizeBytes, digest, id } = snapshot
    this.#copy = copy
    this.#encoder = new BackupEncoder({
      clusterId,
      clusterVersion,
      nodeId,
      index: last.index,
      term: last.term,
      voters: membership.voters,
      learners: membership.learners,
      members: membership.members,
      local,
      createdAt: now.toISOString(),
      snapshotSize: sizeBytes,
      snapshotDigest: digest,
      snapshotId: id,
    })
    this.sizeBytes = this.#encoder.sizeBytes
    this.fileName = `aspen-${clusterId.slice(0, 8)}-${last.index}-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.backup`
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    if (this.#isRead) throw new Error('the bytes of a backup can be read once: ask for another backup')
    this.#isRead = true
    try {
      yield this.#encoder.head()
      const { sizeBytes } = this.#copy.snapshot
      for (let at = 0; at < sizeBytes; at += BACKUP_BLOCK_SIZE) {
        const wanted = Math.min(BACKUP_BLOCK_SIZE, sizeBytes - at)
        yield this.#encoder.block(await this.#read(at, wanted))
      }
      yield this.#encoder.trailer()
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#isRead = true
    this.#copy.close()
  }

  #read(position: number, length: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#copy.read(position, length, (error, bytes) => {
        if (error !== undefined) reject(error)
        else if (bytes.length < length) reject(new Error(`the snapshot ${this.#copy.snapshot.id} ends early on the disk`))
        else resolve(bytes)
      })
    })
  }
}
