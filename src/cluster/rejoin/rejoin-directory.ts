/** The data directory of a node that is to rejoin: what is in it, and how it is set aside without being lost. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataDirectoryLock, LOCK_FILE } from '../../storage/index.ts'
import {
  holdsNode,
  IDENTITY_FILE,
  loadOrCreateIdentityFile,
  moveNodeFiles,
  nextAsideFolder,
  readRejoinRecord,
  writeRejoinRecord,
} from '../identity/index.ts'
import type { RejoinRecord } from '../identity/index.ts'

/** What a data directory holds, as far as a rejoin is concerned. */
export type DirectoryContent =
  | { readonly kind: 'empty' }
  /** The key is null when it cannot be read. */
  | { readonly kind: 'node'; readonly endpointId: string | null }

/** Holds the lock of the directory, so that no node runs on it, until it is released. */
export class RejoinDirectory {
  readonly #lock: DataDirectoryLock
  readonly #before: (change: string) => void

  /**
   * @param before called ahead of every change of what is on the disk; what it throws interrupts a test's run there
   * @throws Error when a node runs on the directory
   */
  constructor(directory: string, before: (change: string) => void = () => undefined) {
    this.#before = before
    this.#lock = new DataDirectoryLock(directory)
  }

  /** Absolute. */
  get path(): string {
    return this.#lock.directory
  }

  release(): void {
    this.#lock.release()
  }

  /** Removes what was made for the lock alone, once it is released. */
  removeBare(): void {
    const { path } = this
    if (readdirSync(path).every((name) => name.startsWith(LOCK_FILE))) rmSync(path, { recursive: true })
  }

  record(): RejoinRecord | undefined {
    return readRejoinRecord(this.path)
  }

  content(): DirectoryContent {
    const { path } = this
    if (!holdsNode(path)) return { kind: 'empty' }
    const identity = join(path, IDENTITY_FILE)
    if (!existsSync(identity)) return { kind: 'node', endpointId: null }
    try {
      return { kind: 'node', endpointId: loadOrCreateIdentityFile(identity).identity.endpointId }
    } catch {
      // An identity that cannot be read is one reason to rejoin.
      return { kind: 'node', endpointId: null }
    }
  }

  /** Whether there is something, and all of it came after what `record` tells of was set aside. */
  isNew(record: RejoinRecord): boolean {
    return record.aside && this.content().kind === 'node'
  }

  /** The record of a rejoin that begins now; written before anything is moved. */
  begin(role: RejoinRecord['role'], oldEndpointId: string): RejoinRecord {
    const asideFolder = this.content().kind === 'empty' ? null : nextAsideFolder(this.path)
    const record = { role, oldEndpointId, asideFolder, aside: asideFolder === null }
    this.#before('the record that it begins')
    writeRejoinRecord(this.path, record)
    return record
  }

  /** Moves everything of the old node into the record's folder, or what is left of it after an interruption. */
  setAside(record: RejoinRecord): RejoinRecord {
    const { asideFolder } = record
    if (record.aside || asideFolder === null) return record
    moveNodeFiles(this.path, join(this.path, asideFolder), this.#before)
    const done = { ...record, aside: true }
    this.#before('the record that all is aside')
    writeRejoinRecord(this.path, done)
    return done
  }
}
