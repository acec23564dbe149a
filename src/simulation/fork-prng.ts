import { Prng } from '../lib/index.ts'

/** A stream of its own for each purpose, so that one more draw for one purpose does not change all the others. */
export function forkPrng(seed: number, purpose: string): Prng {
  let hash = 0x811c_9dc5
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x0100_0193)
  return new Prng((seed >>> 0) * 0x1_0000_0000 + ((hash ^ Math.floor(seed / 0x1_0000_0000)) >>> 0))
}
