/** Damage to bytes: what a bad disk, a bad program or a bad person makes of them. */
import { concatBytes, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'

/** Bytes that mean something to a reader: small counts, ends of varints, the largest numbers, what begins texts. */
const TELLING: readonly Uint8Array[] = [
  '00',
  '01',
  '7f',
  '80',
  'ff',
  '8000',
  'ffffffff',
  '00000000',
  'ffffffffffffff0f',
  'ffffffffffffff7f',
  'ed a0 80',
  'efbbbf',
].map((hex) => Uint8Array.fromHex(hex.replaceAll(' ', '')))

export function randomBytes(random: Random, maxLength: number): Uint8Array {
  return Uint8Array.from({ length: randomBetween(random, 0, maxLength) }, () => random.nextUint32() & 0xff)
}

function splice(bytes: Uint8Array, position: number, removed: number, inserted: Uint8Array): Uint8Array {
  return concatBytes([bytes.subarray(0, position), inserted, bytes.subarray(position + removed)])
}

type Mutation = (random: Random, bytes: Uint8Array, other: Uint8Array) => Uint8Array

const place = (random: Random, bytes: Uint8Array): number => randomBetween(random, 0, Math.max(0, bytes.length - 1))

const MUTATIONS: readonly Mutation[] = [
  (random, bytes) => splice(bytes, place(random, bytes), 1, randomBytes(random, 2)),
  (random, bytes) => splice(bytes, place(random, bytes), randomBetween(random, 0, 4), pick(random, TELLING)),
  (random, bytes) => splice(bytes, randomBetween(random, 0, Math.min(40, bytes.length)), 1, pick(random, TELLING)),
  (random, bytes) => bytes.slice(0, randomBetween(random, 0, bytes.length)),
  (random, bytes) => concatBytes([bytes, randomBytes(random, 8)]),
  (random, bytes) => splice(bytes, place(random, bytes), randomBetween(random, 1, 16), new Uint8Array()),
  (random, bytes) => {
    const from = place(random, bytes)
    const piece = bytes.subarray(from, from + randomBetween(random, 1, 64))
    return splice(bytes, place(random, bytes), 0, piece)
  },
  (random, bytes, other) => concatBytes([bytes.subarray(0, place(random, bytes)), other.subarray(place(random, other))]),
  (random, bytes) => {
    const flipped = new Uint8Array(bytes)
    const at = place(random, bytes)
    if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << randomBetween(random, 0, 7))
    return flipped
  },
]

/** One to three mutations of `bytes`, sometimes with a piece of `other`. */
export function mutateBytes(random: Random, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  let mutated = bytes
  for (let i = randomBetween(random, 1, 3); i > 0; i--) mutated = pick(random, MUTATIONS)(random, mutated, other)
  return mutated
}
