/**
 * A disk in memory that can lose power. What was not synced when it does is kept, lost, torn at sector boundaries or
 * turned into noise, each sector for itself; names that were not synced are kept or lost each for itself.
 */
import { assert, chance, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Disk, DiskFile, Done } from '../../src/ports/index.ts'

type Defer = (run: () => void) => void

const SECTOR_SIZE = 64

interface Range {
  readonly start: number
  readonly end: number
}

/** A file's content as its readers see it, and as the medium holds it. */
class Inode {
  current = new Uint8Array(0)
  durable = new Uint8Array(0)
  unsynced: Range[] = []

  write(position: number, bytes: Uint8Array): Range {
    const range = { start: position, end: position + bytes.length }
    if (bytes.length === 0) return range
    this.current = grown(this.current, range.end)
    this.current.set(bytes, position)
    this.unsynced.push(range)
    return range
  }

  /** Makes one range durable as it is now. */
  harden(range: Range): void {
    this.durable = grown(this.durable, Math.min(range.end, this.current.length))
    this.durable.set(this.current.subarray(range.start, range.end), range.start)
    this.unsynced = this.unsynced.filter((other) => other !== range)
  }

  loseUnsynced(random: Random, fate: Fate): void {
    for (const range of this.unsynced) this.#loseRange(range, random, fate)
    this.unsynced = []
    this.current = this.durable.slice()
  }

  #loseRange(range: Range, random: Random, fate: Fate): void {
    const prefixEnd = randomBetween(random, range.start, range.end)
    for (let start = range.start; start < range.end;) {
      const end = Math.min(range.end, start - (start % SECTOR_SIZE) + SECTOR_SIZE)
      const kept = fate === 'all' || (fate === 'prefix' ? end <= prefixEnd : fate === 'some' && chance(random, 0.5))
      if (kept) this.harden({ start, end })
      else if (fate === 'some' && chance(random, 0.2)) this.#scramble({ start, end }, random)
      start = end
    }
  }

  /** Noise, but only where the medium was being written. */
  #scramble({ start, end }: Range, random: Random): void {
    this.durable = grown(this.durable, end)
    for (let i = start; i < end; i++) if (this.durable[i] !== this.current[i]) this.durable[i] = randomBetween(random, 0, 255)
  }
}

/** What becomes of one unsynced thing. */
type Fate = 'none' | 'all' | 'prefix' | 'some'
const FATES: readonly Fate[] = ['none', 'all', 'prefix', 'some']

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (bytes.length >= length) return bytes
  const larger = new Uint8Array(length)
  larger.set(bytes)
  return larger
}

type NameChange =
  | { readonly type: 'create' | 'remove'; readonly name: string; readonly inode: Inode }
  | { readonly type: 'rename'; readonly from: string; readonly name: string; readonly inode: Inode }

export class CrashingDisk implements Disk {
  readonly #random: Random
  readonly #defer: Defer
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #unsyncedNames: NameChange[] = []
  #life = 0
  #stepsLeft = Number.POSITIVE_INFINITY
  #failing: ((operation: string) => Error | undefined) | undefined

  constructor(random: Random, defer: Defer) {
    this.#random = random
    this.#defer = defer
  }

  /** Loses power: handles are dead, nothing under way reports, and only what the medium kept is there. */
  crash(): void {
    this.#life++
    this.#stepsLeft = Number.POSITIVE_INFINITY
    for (const change of this.#unsyncedNames) if (chance(this.#random, 0.5)) this.#hardenName(change)
    this.#unsyncedNames = []
    const inodes = new Set([...this.#names.values(), ...this.#durableNames.values()])
    for (const inode of inodes) inode.loseUnsynced(this.#random, FATES[randomBetween(this.#random, 0, FATES.length - 1)] as Fate)
    this.#names = new Map(this.#durableNames)
  }

  /** The process dies and the machine goes on: handles are dead, and what was written is there, synced or not. */
  kill(): void {
    this.#life++
  }

  /** The `count`-th synchronous step from now throws before it is durable, as if the power failed in it. */
  interruptSyncStep(count: number): void {
    this.#stepsLeft = count
  }

  /** From now on operations report the error that `failing` gives for them. */
  failOn(failing: (operation: string) => Error | undefined): void {
    this.#failing = failing
  }

  list(): string[] {
    return [...this.#names.keys()].toSorted()
  }

  open(name: string): DiskFile {
    assert(/^[\w-][\w.-]*$/.test(name), `"${name}" is not the name of a file in a flat folder`)
    let inode = this.#names.get(name)
    if (inode === undefined) {
      inode = new Inode()
      this.#names.set(name, inode)
      this.#unsyncedNames.push({ type: 'create', name, inode })
    }
    return new CrashingDiskFile(name, inode, this.#guard(), () => this.#step())
  }

  remove(name: string): void {
    this.#step()
    const inode = this.#names.get(name)
    if (inode === undefined) return
    this.#names.delete(name)
    this.#unsyncedNames.push({ type: 'remove', name, inode })
  }

  rename(from: string, name: string): void {
    this.#step()
    const inode = this.#names.get(from)
    if (inode === undefined) throw new Error(`ENOENT: there is no ${from}`)
    this.#names.delete(from)
    this.#names.set(name, inode)
    this.#unsyncedNames.push({ type: 'rename', from, name, inode })
  }

  syncDirectory(done: Done): void {
    const changes = [...this.#unsyncedNames]
    this.#guard()('syncDirectory', done, () => this.#hardenNames(changes))
  }

  syncDirectorySync(): void {
    this.#step()
    this.#hardenNames([...this.#unsyncedNames])
  }

  space(): { readonly freeBytes: number; readonly totalBytes: number } {
    return { freeBytes: 1e9, totalBytes: 1e9 }
  }

  #step(): void {
    this.#stepsLeft--
    if (this.#stepsLeft <= 0) throw new PowerLost()
  }

  #hardenNames(changes: readonly NameChange[]): void {
    for (const change of changes) this.#hardenName(change)
    this.#unsyncedNames = this.#unsyncedNames.filter((change) => !changes.includes(change))
  }

  #hardenName(change: NameChange): void {
    if (change.type === 'rename' && this.#durableNames.get(change.from) === change.inode) this.#durableNames.delete(change.from)
    if (change.type !== 'remove') this.#durableNames.set(change.name, change.inode)
    else if (this.#durableNames.get(change.name) === change.inode) this.#durableNames.delete(change.name)
  }

  /** Reports completions of this life only: nobody hears of what ends after a crash. */
  #guard(): Guard {
    const life = this.#life
    return (operation, done, effect) => {
      assert(life === this.#life, `${operation}: the process that called has died`)
      const error = this.#failing?.(operation)
      this.#defer(() => {
        if (life !== this.#life) return
        if (error === undefined) effect?.()
        done(error)
      })
    }
  }
}

export class PowerLost extends Error {
  override readonly name = 'PowerLost'
}

type Guard = (operation: string, done: Done, effect?: () => void) => void

class CrashingDiskFile implements DiskFile {
  readonly name: string
  readonly #inode: Inode
  readonly #guard: Guard
  readonly #step: () => void
  #closed = false

  constructor(name: string, inode: Inode, guard: Guard, step: () => void) {
    this.name = name
    this.#inode = inode
    this.#guard = guard
    this.#step = step
  }

  size(): number {
    return this.#inode.current.length
  }

  readSync(position: number, length: number): Uint8Array {
    this.#assertOpen()
    return this.#inode.current.slice(position, position + length)
  }

  read(position: number, length: number, done: (error: Error | undefined, bytes: Uint8Array) => void): void {
    const bytes = this.readSync(position, length)
    this.#guard('read', (error) => done(error, bytes))
  }

  write(position: number, bytes: Uint8Array, done: Done): void {
    this.#assertOpen()
    this.#inode.write(position, bytes)
    this.#guard('write', done)
  }

  writeDurably(position: number, bytes: Uint8Array, done: Done): void {
    this.#assertOpen()
    const range = this.#inode.write(position, bytes)
    this.#guard('writeDurably', done, () => this.#inode.harden(range))
  }

  writeDurablySync(position: number, bytes: Uint8Array): void {
    this.#assertOpen()
    const range = this.#inode.write(position, bytes)
    this.#step()
    this.#inode.harden(range)
  }

  sync(done: Done): void {
    this.#assertOpen()
    const ranges = [...this.#inode.unsynced]
    this.#guard('sync', done, () => ranges.forEach((range) => this.#inode.harden(range)))
  }

  syncSync(): void {
    this.#assertOpen()
    this.#step()
    for (const range of this.#inode.unsynced) this.#inode.harden(range)
  }

  truncateSync(length: number): void {
    this.#assertOpen()
    this.#inode.current = this.#inode.current.slice(0, length)
    this.#inode.durable = this.#inode.current.slice()
    this.#inode.unsynced = []
  }

  close(): void {
    this.#closed = true
  }

  #assertOpen(): void {
    assert(!this.#closed, `${this.name} is closed`)
  }
}
