import { Prng } from '../lib/index.ts'
import type { Random } from '../lib/index.ts'

/** Numbers that no seed repeats. Not for secrets. */
export function systemRandom(): Random {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2))
  return new Prng(high * 0x1_0000_0000 + low)
}
