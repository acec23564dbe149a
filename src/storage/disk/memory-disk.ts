/**
 * The Disk port in memory, for nodes that keep nothing and for tests. An operation takes effect when it is called
 * and is reported through the injected `defer`, so the owner decides when, and a seed can repeat a run.
 */
import { fail } from '../../lib/index.ts'
import type { Disk, DiskFile, Done } from '../../ports/index.ts'
import { assertFileName } from './file-name.ts'

type Defer = (run: () => void) => void

export interface MemoryDiskOptions {
  /** Writes that would make all files together larger fail like those on a full disk. Unlimited when absent. */
  readonly capacityBytes?: number
}

/** The bytes behind one or more open files; what a name points to. */
class Content {
  bytes: Uint8Array = new Uint8Array(0)
  length = 0

  /** Sets the length; what is new reads as zeros. */
  resize(length: number): void {
    if (length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(this.bytes.length * 2, this.bytes.length + 0x10_0000)))
      larger.set(this.bytes.subarray(0, this.length))
      this.bytes = larger
    }
    if (length < this.length) this.bytes.fill(0, length, this.length)
    this.length = length
  }

  /** Whoever still has this one finds nothing in it any more. */
  handOver(): Content {
    const next = new Content()
    ;[next.bytes, next.length] = [this.bytes, this.length]
    ;[this.bytes, this.length] = [new Uint8Array(0), 0]
    return next
  }
}

export class MemoryDisk implements Disk {
  readonly #defer: Defer
  readonly #capacityBytes: number
  readonly #files = new Map<string, Content>()

  /** @param defer runs a completion later, in order: `queueMicrotask`, `setImmediate`, or a simulator's queue */
  constructor(defer: Defer, options: MemoryDiskOptions = {}) {
    this.#defer = defer
    this.#capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER
  }

  /**
   * Another disk with the files of this one. What still uses this one, or files that were opened on it, finds them empty, and whatever it
   * does has no effect on the other.
   */
  handOver(): MemoryDisk {
    const next = new MemoryDisk(this.#defer, { capacityBytes: this.#capacityBytes })
    for (const [name, content] of this.#files) next.#files.set(name, content.handOver())
    return next
  }

  list(): string[] {
    return [...this.#files.keys()].toSorted()
  }

  open(name: string): DiskFile {
    assertFileName(name)
    let content = this.#files.get(name)
    if (content === undefined) {
      content = new Content()
      this.#files.set(name, content)
    }
    return new MemoryDiskFile(name, content, this.#defer, (growth) => this.#checkSpace(name, growth))
  }

  remove(name: string): void {
    assertFileName(name)
    this.#files.delete(name)
  }

  rename(from: string, to: string): void {
    assertFileName(to)
    const content = this.#files.get(from)
    if (content === undefined) throw new Error(`ENOENT: cannot rename ${from} to ${to}: there is no ${from}`)
    this.#files.delete(from)
    this.#files.set(to, content)
  }

  syncDirectory(done: Done): void {
    this.#defer(() => done())
  }

  syncDirectorySync(): void {
    // Everything in memory is as durable as it can be.
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return { freeBytes: Math.max(0, this.#capacityBytes - this.#usedBytes()), totalBytes: this.#capacityBytes }
  }

  #usedBytes(): number {
    let used = 0
    for (const content of this.#files.values()) used += content.length
    return used
  }

  #checkSpace(name: string, growth: number): Error | undefined {
    if (growth <= 0 || this.#usedBytes() + growth <= this.#capacityBytes) return undefined
    return Object.assign(new Error(`ENOSPC: no space left for ${growth} more bytes of ${name}`), { code: 'ENOSPC' })
  }
}

class MemoryDiskFile implements DiskFile {
  readonly name: string
  readonly #content: Content
  readonly #defer: Defer
  readonly #checkSpace: (growth: number) => Error | undefined
  #closed = false

  constructor(name: string, content: Content, defer: Defer, checkSpace: (growth: number) => Error | undefined) {
    this.name = name
    this.#content = content
    this.#defer = defer
    this.#checkSpace = checkSpace
  }

  size(): number {
    this.#assertOpen()
    return this.#content.length
  }

  readSync(position: number, length: number): Uint8Array {
    this.#assertOpen()
    return this.#content.bytes.slice(position, Math.max(position, Math.min(position + length, this.#content.length)))
  }

  read(position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    const bytes = this.readSync(position, length)
    this.#defer(() => done(undefined, bytes))
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    const error = this.#store(position, bytes)
    this.#defer(() => done(error))
  }

  writeDurably(position: number, bytes: Uint8Array, done: Done): void {
    this.write(position, bytes, done)
  }

  writeDurablySync(position: number, bytes: Uint8Array): void {
    const error = this.#store(position, bytes)
    if (error !== undefined) throw error
  }

  sync(done: Done): void {
    this.#assertOpen()
    this.#defer(() => done())
  }

  syncSync(): void {
    this.#assertOpen()
  }

  truncateSync(length: number): void {
    this.#assertOpen()
    this.#content.resize(length)
  }

  close(): void {
    this.#closed = true
  }

  #store(position: number, bytes: Uint8Array): Error | undefined {
    this.#assertOpen()
    const end = bytes.length === 0 ? 0 : position + bytes.length
    const error = this.#checkSpace(end - this.#content.length)
    if (error !== undefined) return error
    if (end > this.#content.length) this.#content.resize(end)
    this.#content.bytes.set(bytes, position)
    return undefined
  }

  #assertOpen(): void {
    if (this.#closed) fail(`${this.name} is closed`)
  }
}
