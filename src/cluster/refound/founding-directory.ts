/** The data directory that a cluster is founded anew in: the new node is built beside what is there, and takes its place by moves that can be repeated. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataDirectoryLock } from '../../storage/index.ts'
import {
  FOUNDING_FOLDER,
  FoundingError,
  holdsNode,
  isRejoinUnderWay,
  moveNodeFiles,
  nextAsideFolder,
  readFoundingRecord,
  removeFoundingRecord,
  writeFoundingRecord,
} from '../identity/index.ts'
import type { FoundingRecord } from '../identity/index.ts'

/** Holds the lock of the directory, so that no node runs on it, until it is released. */
export class FoundingDirectory {
  readonly #lock: DataDirectoryLock
  readonly #before: (change: string) => void

  /**
   * @param before called ahead of every change of what is on the disk; what it throws interrupts a test's run there
   * @throws FoundingError when a node runs on the directory, or a rejoin is under way in it
   */
  constructor(directory: string, before: (change: string) => void = () => undefined) {
    this.#before = before
    try {
      this.#lock = new DataDirectoryLock(directory)
    } catch (error) {
      throw new FoundingError(`${(error as Error).message}. Nothing was changed`, { cause: error })
    }
    if (!isRejoinUnderWay(this.path)) return
    this.#lock.release()
    throw new FoundingError(`a rejoin is under way in ${this.path}: finish it first (aspen-node rejoin). Nothing was changed`)
  }

  /** Absolute. */
  get path(): string {
    return this.#lock.directory
  }

  get holdsNode(): boolean {
    return holdsNode(this.path)
  }

  release(): void {
    this.#lock.release()
  }

  /** Where the new data directory is built. */
  get newFolder(): string {
    return join(this.path, FOUNDING_FOLDER, 'new')
  }

  /** For a copy of what is there. */
  get copyFolder(): string {
    return join(this.path, FOUNDING_FOLDER, 'copy')
  }

  /** Removes what was made on the way: what is left of a run before, too. Not to be called while there is a record. */
  clear(): void {
    this.#before('the removal of what was made on the way')
    rmSync(join(this.path, FOUNDING_FOLDER), { recursive: true, force: true })
  }

  /** That of a run that was interrupted when the new data directory was whole. */
  record(): FoundingRecord | undefined {
    return readFoundingRecord(this.path)
  }

  /** Has what was built take the place of what is there, which is kept; returns the name of the folder that keeps it, null when there was nothing. */
  install(clusterId: string): string | null {
    const asideFolder = this.holdsNode ? nextAsideFolder(this.path) : null
    this.#before('the record that it begins')
    return this.finish({ clusterId, asideFolder, aside: asideFolder === null })
  }

  /** Goes on from where `record` is. */
  finish(record: FoundingRecord): string | null {
    const { asideFolder } = record
    writeFoundingRecord(this.path, record)
    if (!record.aside && asideFolder !== null) {
      moveNodeFiles(this.path, join(this.path, asideFolder), this.#before)
      this.#before('the record that all is aside')
      writeFoundingRecord(this.path, { ...record, aside: true })
    }
    if (existsSync(this.newFolder)) moveNodeFiles(this.newFolder, this.path, this.#before)
    this.clear()
    this.#before('the end of the record')
    removeFoundingRecord(this.path)
    return asideFolder
  }
}
