/**
 * A node's disk: it outlives the node's processes. A process that is killed leaves everything it wrote in the
 * page cache; a power cut takes what was not synced, in part or whole, and unsynced changes of the directory from
 * some point on.
 */
import { assert, fail, chance, pick, randomBetween } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'
import type { Disk, DiskFile, Done, VolumeSpace } from '../ports/index.ts'
import { DiskError } from '../storage/index.ts'
import type { Life } from './life.ts'
import { SimFile } from './sim-file.ts'

export interface DiskProfile {
  readonly writeMinMs: number
  readonly writeMaxMs: number
  readonly syncMinMs: number
  readonly syncMaxMs: number
  /** How likely a sync is to stall, and for how long. */
  readonly stallProbability: number
  readonly stallMs: number
}

export const FAST_DISK: DiskProfile = {
  writeMinMs: 0,
  writeMaxMs: 1,
  syncMinMs: 0,
  syncMaxMs: 3,
  stallProbability: 0,
  stallMs: 0,
}

export interface DiskCounters {
  writes: number
  durableWrites: number
  syncs: number
  powerCuts: number
  /** Dirty sectors that a power cut took whole, or cut in two. */
  lostSectors: number
  tornSectors: number
  lostDirectoryChanges: number
  /** Writes and syncs that failed, and writes that found no room. */
  failures: number
  withoutRoom: number
  flippedBits: number
}

/** Roomy; with less left than a node gives away; with nothing left. */
export type FillLevel = 'roomy' | 'nearly-full' | 'full'

/**
 * What becomes of bytes that a sync could not write: they are dropped, and the old ones are read again; they stay to be written some
 * day; or they stay readable, count as written, and are lost with the system's memory (Linux, `fsyncgate`).
 */
export type UnsyncedFate = 'dropped' | 'dirty' | 'clean'
const FATES: readonly UnsyncedFate[] = ['dropped', 'dirty', 'clean']

export interface DiskFailure {
  readonly code: 'EIO' | 'ENOSPC'
  /** Whether somebody was to rely on it: a write that was to be durable. */
  readonly durable: boolean
}

const TOTAL_BYTES = 2e12
const FREE_BYTES: Readonly<Record<FillLevel, number>> = { roomy: 1e12, 'nearly-full': 1e10, full: 0 }
/** Most of a preallocated file is zeros, where a bit more or less says little: tries to find something else. */
const FLIP_TRIES = 8

type DirectoryChange =
  | { readonly type: 'create'; readonly name: string; readonly file: SimFile }
  | { readonly type: 'remove'; readonly name: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }

function carryOut(names: Map<string, SimFile>, change: DirectoryChange): void {
  if (change.type === 'create') names.set(change.name, change.file)
  else if (change.type === 'remove') names.delete(change.name)
  else {
    const file = names.get(change.from)
    if (file === undefined) fail(`the journal renames ${change.from}, which is not there`)
    names.delete(change.from)
    names.set(change.to, file)
  }
}

interface Write {
  readonly position: number
  readonly bytes: Uint8Array
  readonly durable: boolean
}

/** What a durable write does when it ends: the bytes as they are now are on the platter. */
function settling(file: SimFile, position: number, length: number): () => void {
  const capture = file.capture(position, length)
  return () => {
    file.flush(capture)
    file.settle(position, position + length)
  }
}

export class SimDisk {
  /** A disk that says "durable" and does nothing for it: what the suite must catch. */
  lieAboutSync = false
  profile: DiskProfile
  readonly counters: DiskCounters = {
    writes: 0,
    durableWrites: 0,
    syncs: 0,
    powerCuts: 0,
    lostSectors: 0,
    tornSectors: 0,
    lostDirectoryChanges: 0,
    failures: 0,
    withoutRoom: 0,
    flippedBits: 0,
  }
  /** Files keep what they have: only those that grow find the disk full. */
  fillLevel: FillLevel = 'roomy'
  /** The next write, or the next thing to be made durable, fails. */
  failsNext: 'write' | 'sync' | null = null
  /** What a failed sync does with what it could not write; null draws it each time. */
  unsynced: UnsyncedFate | null = null
  /** Called at every failure, before the process hears of it. */
  onFailure: (failure: DiskFailure) => void = () => undefined
  readonly #random: Random
  #names = new Map<string, SimFile>()
  #durableNames = new Map<string, SimFile>()
  #journal: DirectoryChange[] = []
  #journalStart = 0

  constructor(random: Random, profile: DiskProfile) {
    this.#random = random
    this.profile = profile
  }

  /** The disk as one life of the node sees it. */
  mount(life: Life): Disk {
    const alive = (): void => assert(life.alive, `${life.name} uses its disk after its death`)
    const changes = (): boolean => {
      alive()
      return life.affects()
    }
    return {
      list: () => {
        alive()
        return [...this.#names.keys()].toSorted()
      },
      open: (name) => {
        alive()
        return this.#open(name, life)
      },
      remove: (name) => {
        if (changes() && this.#names.has(name)) this.#change({ type: 'remove', name })
      },
      rename: (from, to) => {
        if (!changes()) return
        if (!this.#names.has(from)) throw new Error(`ENOENT: cannot rename ${from}: no such file`)
        this.#change({ type: 'rename', from, to })
      },
      syncDirectory: (done) => {
        if (!changes()) return
        const until = this.#journalStart + this.#journal.length
        const failure = this.#syncFailure('syncing the directory', false)
        if (failure !== undefined) life.after(this.#syncMs(), () => done(failure))
        else this.#later(life, this.#syncMs(), done, () => this.#syncDirectory(until))
      },
      syncDirectorySync: () => {
        if (changes() && !this.lieAboutSync) this.#syncDirectory(this.#journalStart + this.#journal.length)
      },
      space: () => this.space(),
    }
  }

  space(): VolumeSpace {
    return { freeBytes: FREE_BYTES[this.fillLevel], totalBytes: TOTAL_BYTES }
  }

  /**
   * Flips a bit somewhere, while no process runs. The last durable writes are spared: to the log, damage to its very last
   * frame looks like a write that a crash has cut short, and no checksum tells the two apart. False when there is nothing to flip.
   */
  flipBit(random: Random): boolean {
    const files = [...this.#names.keys()].toSorted().flatMap((name) => {
      const file = this.#names.get(name)
      return file === undefined || file.size === 0 ? [] : [file]
    })
    if (files.length === 0) return false
    for (let tries = 0; tries < FLIP_TRIES; tries++) {
      const file = pick(random, files)
      const position = randomBetween(random, 0, file.size - 1)
      const isZero = file.read(position, 1)[0] === 0
      if (file.settledLast(position) || (isZero && tries < FLIP_TRIES / 2)) continue
      file.flip(position, randomBetween(random, 0, 7))
      this.counters.flippedBits++
      return true
    }
    return false
  }

  /** Everything that is not durable is lost, kept or torn, as it happens. */
  cutPower(): void {
    this.counters.powerCuts++
    const kept = randomBetween(this.#random, 0, this.#journal.length)
    this.counters.lostDirectoryChanges += this.#journal.length - kept
    for (const change of this.#journal.slice(0, kept)) carryOut(this.#durableNames, change)
    this.#journal = []
    this.#names = new Map(this.#durableNames)
    const losses = { lost: 0, torn: 0 }
    for (const name of [...this.#names.keys()].toSorted()) this.#names.get(name)?.cutPower(this.#random, losses)
    this.counters.lostSectors += losses.lost
    this.counters.tornSectors += losses.torn
  }

  /** The node's files are gone: it will come back as a stranger. */
  wipe(): void {
    this.#names.clear()
    this.#durableNames.clear()
    this.#journal = []
    this.failsNext = null
  }

  #change(change: DirectoryChange): void {
    carryOut(this.#names, change)
    this.#journal.push(change)
  }

  #syncDirectory(until: number): void {
    while (this.#journalStart < until) {
      const change = this.#journal.shift()
      if (change === undefined) break
      carryOut(this.#durableNames, change)
      this.#journalStart++
    }
  }

  #open(name: string, life: Life): DiskFile {
    let file = this.#names.get(name)
    if (file === undefined) {
      file = new SimFile()
      if (life.affects()) this.#change({ type: 'create', name, file })
    }
    return this.#handle(name, file, life)
  }

  #handle(name: string, file: SimFile, life: Life): DiskFile {
    let open = true
    const check = (): void => {
      if (!life.alive) fail(`${life.name} uses ${name} after its death`)
      if (!open) fail(`${life.name} uses ${name} after closing it`)
    }
    const changes = (): boolean => {
      check()
      return life.affects()
    }
    return {
      name,
      size: () => {
        check()
        return file.size
      },
      readSync: (position, length) => {
        check()
        return file.read(position, length)
      },
      read: (position, length, done) => {
        check()
        life.after(this.#writeMs(), () => done(undefined, file.read(position, length)))
      },
      write: (position, bytes, done) => {
        if (!changes()) return
        const failure = this.#write(name, file, { position, bytes, durable: false })
        life.after(this.#writeMs(), () => done(failure))
      },
      writeDurably: (position, bytes, done) => {
        if (!changes()) return
        const delayMs = this.#writeMs() + this.#syncMs()
        const failure = this.#write(name, file, { position, bytes, durable: true })
        if (failure !== undefined) life.after(delayMs, () => done(failure))
        else this.#later(life, delayMs, done, settling(file, position, bytes.length))
      },
      writeDurablySync: (position, bytes) => {
        if (!changes()) return
        const failure = this.#write(name, file, { position, bytes, durable: true })
        if (failure !== undefined) throw failure
        if (!this.lieAboutSync) settling(file, position, bytes.length)()
      },
      sync: (done) => {
        if (!changes()) return
        const failure = this.#sync(name, file)
        const capture = file.capture()
        if (failure !== undefined) life.after(this.#syncMs(), () => done(failure))
        else this.#later(life, this.#syncMs(), done, () => file.flush(capture))
      },
      syncSync: () => {
        if (!changes()) return
        const failure = this.#sync(name, file)
        if (failure !== undefined) throw failure
        if (!this.lieAboutSync) file.flush(file.capture())
      },
      truncateSync: (length) => {
        if (changes()) file.truncate(length)
      },
      close: () => {
        check()
        open = false
      },
    }
  }

  /** Writes, unless there is no room or the disk fails; what fails may leave a part of itself. */
  #write(name: string, file: SimFile, { position, bytes, durable }: Write): Error | undefined {
    if (durable) this.counters.durableWrites++
    else this.counters.writes++
    if (this.fillLevel === 'full' && position + bytes.length > file.size) {
      return this.#fail('ENOSPC', `writing ${name}`, durable)
    }
    if (this.failsNext === 'write') {
      file.write(position, bytes.subarray(0, randomBetween(this.#random, 0, bytes.length)))
      return this.#fail('EIO', `writing ${name}`, durable)
    }
    file.write(position, bytes)
    if (!durable || this.failsNext !== 'sync') return undefined
    this.#forget(file)
    return this.#fail('EIO', `syncing ${name}`, true)
  }

  #sync(name: string, file: SimFile): Error | undefined {
    this.counters.syncs++
    if (this.failsNext === 'sync') this.#forget(file)
    return this.#syncFailure(`syncing ${name}`, false)
  }

  #syncFailure(what: string, durable: boolean): Error | undefined {
    return this.failsNext === 'sync' ? this.#fail('EIO', what, durable) : undefined
  }

  #forget(file: SimFile): void {
    const fate = this.unsynced ?? pick(this.#random, FATES)
    if (fate === 'dropped') file.dropUnsynced()
    else if (fate === 'clean') file.keepUnsyncedAsClean()
  }

  #fail(code: DiskFailure['code'], what: string, durable: boolean): Error {
    if (code === 'ENOSPC') this.counters.withoutRoom++
    else {
      this.counters.failures++
      // Once: who carries on after it meets a disk that works again, and has lost what it relied on.
      this.failsNext = null
    }
    this.onFailure({ code, durable })
    const reason = code === 'ENOSPC' ? 'ENOSPC: no space left on device' : 'EIO: i/o error'
    return new DiskError(what, Object.assign(new Error(reason), { code }))
  }

  #later(life: Life, delayMs: number, done: Done, makeDurable: () => void): void {
    life.after(delayMs, () => {
      if (!this.lieAboutSync) makeDurable()
      done()
    })
  }

  #writeMs(): number {
    return randomBetween(this.#random, this.profile.writeMinMs * 1000, this.profile.writeMaxMs * 1000) / 1000
  }

  #syncMs(): number {
    const { syncMinMs, syncMaxMs, stallProbability, stallMs } = this.profile
    const stall = chance(this.#random, stallProbability) ? randomBetween(this.#random, 0, stallMs) : 0
    return stall + randomBetween(this.#random, syncMinMs * 1000, syncMaxMs * 1000) / 1000
  }
}
