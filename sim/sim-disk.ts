/**
 * A node's disk: it outlives the node's processes. A process that is killed leaves everything it wrote in the
 * page cache; a power cut takes what was not synced, in part or whole, and unsynced changes of the directory from
 * some point on.
 */
import { assert, chance, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { Disk, DiskFile, Done } from '../src/ports/index.ts'
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
}

type DirectoryChange =
  | { readonly type: 'create'; readonly name: string; readonly file: SimFile }
  | { readonly type: 'remove'; readonly name: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }

function carryOut(names: Map<string, SimFile>, change: DirectoryChange): void {
  if (change.type === 'create') names.set(change.name, change.file)
  else if (change.type === 'remove') names.delete(change.name)
  else {
    const file = names.get(change.from)
    assert(file !== undefined, `the journal renames ${change.from}, which is not there`)
    names.delete(change.from)
    names.set(change.to, file)
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
  }
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
        alive()
        if (this.#names.has(name)) this.#change({ type: 'remove', name })
      },
      rename: (from, to) => {
        alive()
        if (!this.#names.has(from)) throw new Error(`ENOENT: cannot rename ${from}: no such file`)
        this.#change({ type: 'rename', from, to })
      },
      syncDirectory: (done) => {
        alive()
        const until = this.#journalStart + this.#journal.length
        this.#later(life, this.#syncMs(), done, () => this.#syncDirectory(until))
      },
      syncDirectorySync: () => {
        alive()
        if (!this.lieAboutSync) this.#syncDirectory(this.#journalStart + this.#journal.length)
      },
      space: () => ({ freeBytes: 1e12, totalBytes: 2e12 }),
    }
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
      this.#change({ type: 'create', name, file })
    }
    return this.#handle(name, file, life)
  }

  #handle(name: string, file: SimFile, life: Life): DiskFile {
    let open = true
    const check = (): void => {
      assert(life.alive, `${life.name} uses ${name} after its death`)
      assert(open, `${life.name} uses ${name} after closing it`)
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
        check()
        this.counters.writes++
        file.write(position, bytes)
        life.after(this.#writeMs(), () => done())
      },
      writeDurably: (position, bytes, done) => {
        check()
        this.counters.durableWrites++
        file.write(position, bytes)
        const capture = file.capture(position, bytes.length)
        this.#later(life, this.#writeMs() + this.#syncMs(), done, () => file.flush(capture))
      },
      writeDurablySync: (position, bytes) => {
        check()
        this.counters.durableWrites++
        file.write(position, bytes)
        if (!this.lieAboutSync) file.flush(file.capture(position, bytes.length))
      },
      sync: (done) => {
        check()
        this.counters.syncs++
        const capture = file.capture()
        this.#later(life, this.#syncMs(), done, () => file.flush(capture))
      },
      syncSync: () => {
        check()
        this.counters.syncs++
        if (!this.lieAboutSync) file.flush(file.capture())
      },
      truncateSync: (length) => {
        check()
        file.truncate(length)
      },
      close: () => {
        check()
        open = false
      },
    }
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
