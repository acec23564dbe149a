import { checkTimeout } from './check-timeout.ts'
import { checked, givenFields } from './given.ts'
import { AspenError } from './errors.ts'
import type { RequestOptions } from './key-value-store.ts'

export interface BackupOptions extends RequestOptions {
  /** Of what this node has, without asking the cluster: where there is no leader. What others have committed may be missing. */
  readonly local?: boolean
}

/** The bytes of a backup, once, in order; whoever stops reading early closes it. */
export interface Backup extends AsyncIterable<Uint8Array> {
  /** Tells the cluster, the last entry in it, and the time. */
  readonly fileName: string
  /** Of all of it. */
  readonly sizeBytes: number
  /** Lets go of what is not read; harmless when all was. */
  close(): void
}

export interface BackupSource {
  /**
   * A consistent copy of the state of the cluster: everything that was acknowledged before this was called is in it. Writes go on meanwhile.
   * @throws AspenError NO_LEADER, NOT_INITIALIZED, OVERLOADED when others are being read, DISK_FULL, DEADLINE_EXCEEDED
   */
  backup(options?: BackupOptions): Promise<Backup>
}

/** In a copy. @throws AspenError INVALID_REQUEST */
export function checkBackup(options?: unknown): BackupOptions {
  if (options === undefined) return {}
  return checked('the options', () => {
    const { timeoutMs, local } = givenFields(options, 'the options', ['timeoutMs', 'local'])
    if (local !== undefined && typeof local !== 'boolean')
      throw new AspenError('INVALID_REQUEST', `local must be true or false, not ${typeof local}`)
    return {
      ...(timeoutMs === undefined ? {} : { timeoutMs: checkTimeout(timeoutMs) }),
      ...(local === undefined ? {} : { local }),
    }
  })
}
