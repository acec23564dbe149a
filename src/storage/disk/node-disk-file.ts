/**
 * One open file. Two descriptors: ordinary writes use a plain one, durable writes one opened with O_DSYNC, where
 * a single positional write is durable when it returns. That is one trip through the thread pool instead of the
 * two of write and fdatasync, on the path of every acknowledgement.
 */
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { fdatasync, fsync, read, write } from 'node:fs'
import { fail } from '../../lib/index.ts'
import type { DiskFile, Done } from '../../ports/index.ts'
import { DiskError, guardDisk } from './disk-failure.ts'

const MODE = 0o600

/**
 * Linux honours O_DSYNC down to the medium. Elsewhere it is missing, or stops at the drive's cache: there a durable
 * write is a write and an fsync, which Node turns into the platform's full flush.
 */
const O_DSYNC: number = process.platform === 'linux' ? constants.O_DSYNC : 0

export class NodeDiskFile implements DiskFile {
  readonly name: string
  readonly #path: string
  readonly #plainFd: number
  readonly #durableFd: number
  #pending = 0
  #closed = false

  constructor(path: string, name: string) {
    this.name = name
    this.#path = path
    this.#plainFd = openSync(path, constants.O_RDWR | constants.O_CREAT, MODE)
    try {
      this.#durableFd = openSync(path, constants.O_RDWR | O_DSYNC, MODE)
    } catch (error) {
      closeSync(this.#plainFd)
      throw error
    }
  }

  size(): number {
    this.#assertOpen()
    return fstatSync(this.#plainFd).size
  }

  readSync(position: number, length: number): Uint8Array {
    this.#assertOpen()
    const bytes = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(this.#plainFd, bytes, filled, length - filled, position + filled)
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  }

  read(position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    const release = this.#begin()
    const bytes = Buffer.allocUnsafeSlow(length)
    const fill = (filled: number): void => {
      read(this.#plainFd, bytes, filled, length - filled, position + filled, (error, count) => {
        if (error === null && count > 0 && filled + count < length) return fill(filled + count)
        release()
        if (error === null) done(undefined, bytes.subarray(0, filled + count))
        else done(this.#failure(`reading ${length} bytes at ${position}`, error), bytes.subarray(0, 0))
      })
    }
    fill(0)
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    this.#writeAll(this.#plainFd, position, bytes, done)
  }

  writeDurably(position: number, bytes: Uint8Array, done: Done): void {
    if (O_DSYNC !== 0) return this.#writeAll(this.#durableFd, position, bytes, done)
    this.#writeAll(this.#durableFd, position, bytes, (error) => {
      if (error === undefined) this.sync(done)
      else done(error)
    })
  }

  writeDurablySync(position: number, bytes: Uint8Array): void {
    this.#assertOpen()
    guardDisk(`writing ${bytes.length} bytes at ${position} of ${this.#path}`, () => {
      for (let written = 0; written < bytes.length;) {
        const count = writeSync(this.#durableFd, bytes, written, bytes.length - written, position + written)
        if (!(count > 0)) fail(`a write of ${this.#path} made no progress at ${position + written}`)
        written += count
      }
      if (O_DSYNC === 0) fsyncSync(this.#durableFd)
    })
  }

  sync(done: Done): void {
    const release = this.#begin()
    const flush = process.platform === 'linux' ? fdatasync : fsync
    flush(this.#plainFd, (error) => {
      release()
      done(error === null ? undefined : this.#failure('syncing', error))
    })
  }

  syncSync(): void {
    this.#assertOpen()
    guardDisk(`syncing ${this.#path}`, () => fsyncSync(this.#plainFd))
  }

  truncateSync(length: number): void {
    this.#assertOpen()
    guardDisk(`cutting ${this.#path} to ${length} bytes`, () => {
      ftruncateSync(this.#plainFd, length)
      fsyncSync(this.#plainFd)
    })
  }

  /** What is under way ends first: a descriptor closed too early could by then belong to another file. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#pending === 0) this.#closeDescriptors()
  }

  #writeAll(fd: number, position: number, bytes: Uint8Array, done: Done): void {
    const release = this.#begin()
    const go = (written: number): void => {
      write(fd, bytes, written, bytes.length - written, position + written, (error, count) => {
        if (error === null && count > 0 && written + count < bytes.length) return go(written + count)
        release()
        if (error !== null) done(this.#failure(`writing ${bytes.length} bytes at ${position}`, error))
        else if (written + count < bytes.length)
          done(new Error(`a write of ${this.#path} made no progress at ${position + written}`))
        else done()
      })
    }
    go(0)
  }

  #begin(): () => void {
    this.#assertOpen()
    this.#pending++
    return () => {
      this.#pending--
      if (this.#closed && this.#pending === 0) this.#closeDescriptors()
    }
  }

  #closeDescriptors(): void {
    closeSync(this.#plainFd)
    closeSync(this.#durableFd)
  }

  #assertOpen(): void {
    if (this.#closed) fail(`${this.#path} is closed`)
  }

  #failure(what: string, error: Error): Error {
    return new DiskError(`${what} of ${this.#path}`, error)
  }
}
