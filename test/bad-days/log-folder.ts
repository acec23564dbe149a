/** The log of a stopped node as files on the real disk, and the damage a bad day does to it. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { IDENTITY_FILE, loadOrCreateIdentityFile } from '../../src/cluster/identity/identity-file.ts'
import { listFrames } from '../fuzz/written-log.ts'
import type { Frame } from '../fuzz/written-log.ts'

export class LogFolder {
  readonly path: string
  readonly storeId: string

  /** @param dataDir of a node that does not run */
  constructor(dataDir: string) {
    this.path = join(dataDir, 'log')
    this.storeId = loadOrCreateIdentityFile(join(dataDir, IDENTITY_FILE)).logStoreId
  }

  /** Names of the segments, oldest first. */
  segments(): string[] {
    return readdirSync(this.path)
      .filter((name) => name.endsWith('.segment'))
      .toSorted()
  }

  /** Every frame, oldest first. */
  frames(): Frame[] {
    return listFrames(new Map(this.segments().map((name) => [name, this.read(name)])), this.storeId)
  }

  read(name: string): Buffer {
    return readFileSync(join(this.path, name))
  }

  change(name: string, change: (bytes: Buffer) => void): void {
    const bytes = this.read(name)
    change(bytes)
    writeFileSync(join(this.path, name), bytes)
  }

  flip(name: string, position: number): void {
    this.change(name, (bytes) => (bytes[position] = (bytes[position] as number) ^ 1))
  }

  truncate(name: string, size: number): void {
    truncateSync(join(this.path, name), size)
  }

  remove(name: string): void {
    rmSync(join(this.path, name))
  }
}
