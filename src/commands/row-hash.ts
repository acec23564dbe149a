/**
 * The hash of a row, and sums of such hashes: what replicas compare to learn whether they hold the same state. **How a hash is made is
 * replicated meaning**: replicas that hash otherwise take each other for damaged, so it changes only with the cluster version.
 *
 * A hash has 52 bits: the sum of two, and their difference, are safe integers.
 */
import type { KeyValue } from '../api/index.ts'
import { Murmur3 } from '../lib/index.ts'
import type { Space } from './ordered-store.ts'

const MODULUS = 2 ** 52
/** Of the upper word of a hash. */
const HIGH_BITS = 20
const WORD = 0x1_0000_0000

const hash = new Murmur3()

/** Of everything that a row says, and where it stands. */
export function rowHash(space: Space, { key, value, createRevision, modRevision, version }: KeyValue): number {
  hash.begin()
  hash.words(createRevision | 0, (createRevision / WORD) | 0, modRevision | 0, (modRevision / WORD) | 0)
  hash.words(version | 0, ((version / WORD) | 0) ^ (space << 24), key.length, value.length)
  hash.piece(key)
  hash.bytes(value)
  hash.finish()
  return (hash.high >>> (32 - HIGH_BITS)) * WORD + (hash.low >>> 0)
}

/** The sum of two hashes or sums: the order in which rows are added says nothing. */
export function addHash(sum: number, added: number): number {
  const total = sum + added
  return total >= MODULUS ? total - MODULUS : total
}

export function subtractHash(sum: number, removed: number): number {
  return sum >= removed ? sum - removed : sum - removed + MODULUS
}
