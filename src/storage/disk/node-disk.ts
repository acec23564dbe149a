/**
 * The Disk port over a real directory. Callbacks come from the thread pool of Node, so none runs before the
 * call that caused it has returned.
 */
import { openSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { close, fsync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Disk, DiskFile, Done, Volume } from '../../ports/index.ts'
import { createDirectory, syncDirectorySync } from './create-directory.ts'
import { keepDescriptors, openPatiently, openWithKept } from './descriptor-shortage.ts'
import { DiskError } from './disk-failure.ts'
import { assertFileName } from './file-name.ts'
import { NodeDiskFile } from './node-disk-file.ts'

function syncDirectory(directory: string, done: Done): void {
  const report = (error: Error | null): void =>
    done(error === null ? undefined : new DiskError(`syncing the directory ${directory}`, error))
  const open = (): number => openWithKept(() => openSync(directory, 'r'))
  openPatiently(open, (openError, fd) => {
    if (fd === undefined) return void setImmediate(report, openError ?? null)
    fsync(fd, (syncError) => close(fd, (closeError) => report(syncError ?? closeError)))
  })
}

export class NodeDisk implements Disk, Volume {
  /** Absolute path. */
  readonly directory: string

  /** Opens `directory`, creating it when it is missing. @throws the error of the file system */
  constructor(directory: string) {
    this.directory = resolve(directory)
    createDirectory(this.directory)
    keepDescriptors()
  }

  list(): string[] {
    const names: string[] = []
    const items = openWithKept(() => readdirSync(this.directory, { withFileTypes: true }))
    for (const item of items) if (item.isFile()) names.push(item.name)
    return names.toSorted()
  }

  open(name: string): DiskFile {
    const path = this.#path(name)
    return openWithKept(() => new NodeDiskFile(path, name))
  }

  remove(name: string): void {
    rmSync(this.#path(name), { force: true })
  }

  rename(from: string, to: string): void {
    renameSync(this.#path(from), this.#path(to))
  }

  syncDirectory(done: Done): void {
    syncDirectory(this.directory, done)
  }

  syncDirectorySync(): void {
    syncDirectorySync(this.directory)
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    const { bavail, bfree, blocks, bsize } = statfsSync(this.directory)
    // What is kept for the superuser counts as neither, as in the percentage that df shows.
    return { freeBytes: bavail * bsize, totalBytes: (blocks - bfree + bavail) * bsize }
  }

  #path(name: string): string {
    assertFileName(name)
    return join(this.directory, name)
  }
}
