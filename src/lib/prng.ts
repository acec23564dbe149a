/** A seeded source of random numbers. Everything random in the system is drawn from one, so that a seed repeats a run. */
export interface Random {
  /** A uniform integer in [0, 2^32). */
  nextUint32(): number
}

/** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, 128 bits of state; not for secrets. */
export class Prng implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0
    this.#c = 0x9e37_79b9
    // The first outputs still show the seed's structure; the author advises to discard a dozen.
    for (let i = 0; i < 12; i++) this.nextUint32()
  }

  nextUint32(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0
    this.#counter = (this.#counter + 1) >>> 0
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0
    this.#b = (this.#c + (this.#c << 3)) >>> 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0
    return sum
  }
}

/** A uniform integer in [min, max], both inclusive. */
export function randomBetween(random: Random, min: number, max: number): number {
  return min + Math.floor((random.nextUint32() / 0x1_0000_0000) * (max - min + 1))
}

/** True with the given probability in [0, 1]. */
export function chance(random: Random, probability: number): boolean {
  return random.nextUint32() / 0x1_0000_0000 < probability
}

/** One element of a non-empty list. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomBetween(random, 0, items.length - 1)] as T
}
