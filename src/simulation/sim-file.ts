/**
 * The bytes of a simulated file, twice: as programs see them, and as the platter has them. A sector in which the two
 * differ is dirty, and a power cut decides its fate.
 */
import { chance, randomBetween } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'

export const SECTOR_SIZE = 512

/** Sectors as they were when a flush began. */
export interface Capture {
  readonly sequence: number
  readonly size: number
  readonly sectors: ReadonlyMap<number, Uint8Array>
}

export interface CrashLosses {
  lost: number
  torn: number
}

class Content {
  #bytes = new Uint8Array(0)
  size = 0

  grow(size: number): void {
    if (size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.#bytes.length, 1024))
      larger.set(this.#bytes.subarray(0, this.size))
      this.#bytes = larger
    }
    this.size = Math.max(this.size, size)
  }

  write(position: number, bytes: Uint8Array): void {
    this.grow(position + bytes.length)
    this.#bytes.set(bytes, position)
  }

  read(position: number, length: number): Uint8Array {
    return this.#bytes.slice(Math.min(position, this.size), Math.min(position + length, this.size))
  }

  truncate(size: number): void {
    if (size >= this.size) return
    this.#bytes.fill(0, size, this.size)
    this.size = size
  }

  flip(position: number, mask: number): void {
    if (position < this.size) this.#bytes[position] = (this.#bytes[position] as number) ^ mask
  }

  copy(): Content {
    const copy = new Content()
    copy.write(0, this.#bytes.subarray(0, this.size))
    return copy
  }
}

export class SimFile {
  #seen = new Content()
  #platter = new Content()
  readonly #dirty = new Set<number>()
  /** The newest flush that reached each sector: an older one that ends later must not undo it. */
  readonly #flushed = new Map<number, number>()
  #sequence = 0
  /** What was made durable last, and before that. */
  readonly #settled: { readonly from: number; readonly to: number }[] = []

  get size(): number {
    return this.#seen.size
  }

  read(position: number, length: number): Uint8Array {
    return this.#seen.read(position, length)
  }

  write(position: number, bytes: Uint8Array): void {
    this.#seen.write(position, bytes)
    for (const sector of sectorsOf(position, bytes.length)) this.#dirty.add(sector)
  }

  /** What a flush of a range, or of the whole file, will make durable when it ends: whole sectors, as they are now. */
  capture(position = 0, length: number = Number.MAX_SAFE_INTEGER): Capture {
    const sectors = new Map<number, Uint8Array>()
    const last = Math.floor((position + length - 1) / SECTOR_SIZE)
    for (const sector of this.#dirty) {
      if (sector < Math.floor(position / SECTOR_SIZE) || sector > last) continue
      sectors.set(sector, this.#seen.read(sector * SECTOR_SIZE, SECTOR_SIZE))
    }
    return { sequence: ++this.#sequence, size: Math.min(this.#seen.size, position + length), sectors }
  }

  flush(capture: Capture): void {
    this.#platter.grow(Math.min(capture.size, this.#seen.size))
    for (const [sector, bytes] of capture.sectors) {
      if ((this.#flushed.get(sector) ?? 0) > capture.sequence) continue
      this.#flushed.set(sector, capture.sequence)
      this.#platter.write(sector * SECTOR_SIZE, bytes)
      if (equal(bytes, this.#seen.read(sector * SECTOR_SIZE, SECTOR_SIZE))) this.#dirty.delete(sector)
      else this.#dirty.add(sector)
    }
  }

  truncate(size: number): void {
    this.#seen.truncate(size)
    this.#platter.truncate(size)
    this.#platter.grow(Math.min(size, this.#seen.size))
    for (const sector of this.#dirty) if (sector * SECTOR_SIZE >= size) this.#dirty.delete(sector)
  }

  /** A durable write of this range has ended. */
  settle(from: number, to: number): void {
    this.#settled.push({ from, to })
    if (this.#settled.length > 2) this.#settled.shift()
  }

  /** Whether a byte belongs to one of the last two durable writes. */
  settledLast(position: number): boolean {
    return this.#settled.some(({ from, to }) => position >= from && position < to)
  }

  /** The medium has forgotten what a bit was. */
  flip(position: number, bit: number): void {
    this.#seen.flip(position, 1 << bit)
    this.#platter.flip(position, 1 << bit)
  }

  /** After a failed sync the system may drop what it could not write: the old bytes are read again. */
  dropUnsynced(): void {
    for (const sector of this.#dirty) {
      const position = sector * SECTOR_SIZE
      const seen = this.#seen.read(position, SECTOR_SIZE)
      const restored = new Uint8Array(seen.length)
      restored.set(this.#platter.read(position, seen.length))
      this.#seen.write(position, restored)
    }
    this.#dirty.clear()
  }

  /** Or it counts it as written, and keeps it readable for as long as nothing else needs the memory: no sync brings it back. */
  keepUnsyncedAsClean(): void {
    this.#dirty.clear()
  }

  /** A power cut: each dirty sector is lost, kept, or torn. */
  cutPower(random: Random, losses: CrashLosses): void {
    const appetite = randomBetween(random, 0, 2)
    for (const sector of [...this.#dirty].toSorted((a, b) => a - b)) {
      const bytes = this.#seen.read(sector * SECTOR_SIZE, SECTOR_SIZE)
      const kept = appetite === 0 ? 0 : appetite === 1 ? bytes.length : keptBytes(random, bytes.length)
      if (kept === 0) losses.lost++
      else if (kept < bytes.length) losses.torn++
      if (kept > 0) this.#platter.write(sector * SECTOR_SIZE, bytes.subarray(0, kept))
    }
    this.#dirty.clear()
    this.#flushed.clear()
    this.#seen = this.#platter.copy()
  }
}

/** Nothing, everything, or at times a part. */
function keptBytes(random: Random, length: number): number {
  if (chance(random, 0.2)) return randomBetween(random, 0, length)
  return chance(random, 0.5) ? length : 0
}

function* sectorsOf(position: number, length: number): Iterable<number> {
  if (length === 0) return
  for (let sector = Math.floor(position / SECTOR_SIZE); sector * SECTOR_SIZE < position + length; sector++) yield sector
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
