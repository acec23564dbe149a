/** The worker's side of the database: its own connection, and the long work that must not stop the main thread. */
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { StoredSnapshot } from '../../../ports/index.ts'
import { auditDatabase } from '../sqlite-audit.ts'
import { checkpointBesideWriter } from '../sqlite-checkpoint.ts'
import { guardFile, openDatabase, setBusyTimeout } from '../sqlite-database.ts'
import { readMeta } from '../sqlite-meta.ts'
import { restoreDatabase } from '../sqlite-restore.ts'
import { writeSnapshot } from '../sqlite-snapshot.ts'
import { generationFile, removeOtherGenerations } from '../state-generations.ts'
import type { AuditOutcome, CheckpointOutcome, WorkerSetup } from './state-worker-protocol.ts'

/** How long opening waits for whoever holds the file. */
const OPENING_TIMEOUT_MS = 10_000
/**
 * How long a checkpoint waits for readers before it leaves the log as it is. It keeps writers out meanwhile, who try
 * again; readers of this process take a millisecond, and those of others may stay for ever.
 */
const READERS_TIMEOUT_MS = 50

/** Reads what is applied before it copies, and so never claims more than it copied. */
export function checkpointState(database: Pick<DatabaseSync, 'prepare'>, file: string): CheckpointOutcome {
  const appliedIndex = readMeta(database, file).applied.index
  const complete = checkpointBesideWriter(database, `${file}-wal`)
  return { complete, appliedIndex, heldBytes: complete ? 0 : statSync(`${file}-wal`).size }
}

export class WorkerDatabase {
  readonly #directory: string
  #generation: number
  #connection: DatabaseSync | undefined
  /** Open until the state machine has left it: whoever closes a database last has to do its checkpoint. */
  #retired: DatabaseSync | undefined

  constructor({ directory, generation }: WorkerSetup) {
    this.#directory = directory
    this.#generation = generation
  }

  checkpoint(): CheckpointOutcome {
    const database = this.#open()
    return guardFile(this.#file, () => checkpointState(database, this.#file))
  }

  snapshot(path: string, clusterId: string): StoredSnapshot {
    return writeSnapshot(this.#open(), this.#file, path, clusterId)
  }

  audit(): AuditOutcome {
    return auditDatabase(this.#open(), this.#file)
  }

  restore(path: string, id: string): { readonly generation: number } {
    const retired = this.#open()
    const generation = this.#generation + 1
    restoreDatabase(path, id, this.#directory, generation)
    this.#retired?.close()
    this.#retired = retired
    this.#generation = generation
    this.#connection = undefined
    return { generation }
  }

  retire(): void {
    this.#retired?.close()
    this.#retired = undefined
    removeOtherGenerations(this.#directory, this.#generation)
  }

  close(): void {
    this.#retired?.close()
    this.#connection?.close()
  }

  get #file(): string {
    return generationFile(this.#directory, this.#generation)
  }

  #open(): DatabaseSync {
    if (this.#connection === undefined) {
      this.#connection = openDatabase(this.#file, OPENING_TIMEOUT_MS)
      setBusyTimeout(this.#connection, READERS_TIMEOUT_MS)
    }
    return this.#connection
  }
}
