/** Files as a disk in memory holds them, and what can become of them. */
import { chance, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Disk } from '../../src/ports/index.ts'
import { MemoryDisk } from '../../src/storage/index.ts'
import { randomBytes } from './mutate-bytes.ts'

export type Files = ReadonlyMap<string, Uint8Array>
type Damaged = Map<string, Uint8Array>

export function filesOf(disk: Disk): Files {
  const files = new Map<string, Uint8Array>()
  for (const name of disk.list()) {
    const file = disk.open(name)
    files.set(name, file.readSync(0, file.size()))
    file.close()
  }
  return files
}

export function diskWith(files: Files): MemoryDisk {
  const disk = new MemoryDisk(queueMicrotask)
  for (const [name, bytes] of files) disk.open(name).writeDurablySync(0, bytes)
  return disk
}

export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0
}

export function sameFiles(a: Files, b: Files): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => sameBytes(bytes, b.get(name)))
}

/** Damage is likelier where something stands than in the zeros behind it. */
function place(random: Random, bytes: Uint8Array): number {
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  return randomBetween(random, 0, Math.max(0, (chance(random, 0.9) ? end + 64 : bytes.length) - 1))
}

type ByteDamage = (random: Random, bytes: Uint8Array, donor: Uint8Array) => Uint8Array

function written(bytes: Uint8Array, position: number, piece: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes)
  copy.set(piece.subarray(0, Math.max(0, bytes.length - position)), Math.min(position, bytes.length))
  return copy
}

const BYTE_DAMAGE: readonly ByteDamage[] = [
  (random, bytes) => {
    const at = place(random, bytes)
    return written(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << randomBetween(random, 0, 7))))
  },
  (random, bytes) => written(bytes, place(random, bytes), randomBytes(random, 64)),
  (random, bytes) => written(bytes, place(random, bytes), new Uint8Array(randomBetween(random, 1, 600))),
  // What was not written before a crash.
  (random, bytes) => written(bytes, place(random, bytes), new Uint8Array(bytes.length)),
  (random, bytes) => {
    const from = place(random, bytes)
    return written(bytes, place(random, bytes), bytes.slice(from, from + randomBetween(random, 1, 400)))
  },
  (random, bytes, donor) => {
    const from = place(random, donor)
    return written(
      bytes,
      chance(random, 0.5) ? from : place(random, bytes),
      donor.slice(from, from + randomBetween(random, 1, 2000)),
    )
  },
  (random, bytes) => bytes.slice(0, place(random, bytes)),
  (random, bytes) => Buffer.concat([bytes, randomBytes(random, 100)]),
]

type FileDamage = (random: Random, files: Damaged, name: string, other: string) => void

const FILE_DAMAGE: readonly FileDamage[] = [
  (_random, files, name) => void files.delete(name),
  (_random, files, name, other) => {
    const [a, b] = [files.get(name), files.get(other)]
    if (a !== undefined && b !== undefined) files.set(name, b).set(other, a)
  },
  (_random, files, name, other) => void files.set(name, files.get(other) ?? new Uint8Array()),
]

/** One to three kinds of damage. `newNames` are names that a file may turn up under, `donors` whole files of another store. */
export function damage(random: Random, files: Files, donors: Files, newNames: readonly string[]): Files {
  const damaged = new Map(files)
  const names = [...files.keys()]
  for (let left = chance(random, 0.6) ? 1 : randomBetween(random, 2, 3); left > 0; left--) {
    const name = pick(random, names)
    const donor = donors.get(pick(random, [...donors.keys()])) ?? new Uint8Array()
    if (chance(random, 0.85)) {
      const bytes = damaged.get(name)
      if (bytes !== undefined)
        damaged.set(
          name,
          pick(random, BYTE_DAMAGE)(random, bytes, chance(random, 0.5) ? donor : (damaged.get(pick(random, names)) ?? donor)),
        )
    } else if (chance(random, 0.2)) damaged.set(pick(random, [name, ...newNames]), donor)
    else pick(random, FILE_DAMAGE)(random, damaged, name, pick(random, [...names, ...newNames]))
  }
  return damaged
}
