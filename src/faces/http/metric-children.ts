/** One combination of labels of a metric: what is counted on the hot path are plain numbers. */
import type { Counter, Histogram, Labels } from '../../ports/index.ts'
import type { Sample } from './exposition.ts'

export class CountingChild implements Counter {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }

  samples(labels: Labels): readonly Sample[] {
    return [{ labels, value: this.value }]
  }
}

export class ObservingChild implements Histogram {
  readonly #bounds: Float64Array
  readonly #counts: Float64Array
  #sum = 0
  #count = 0

  constructor(buckets: readonly number[]) {
    this.#bounds = Float64Array.from(buckets)
    this.#counts = new Float64Array(buckets.length)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
    if (bucket < bounds.length) this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#sum += value
    this.#count++
  }

  samples(labels: Labels): readonly Sample[] {
    let cumulative = 0
    const samples: Sample[] = []
    for (const [i, bound] of this.#bounds.entries()) {
      cumulative += this.#counts[i] as number
      samples.push({ labels: { ...labels, le: String(bound) }, value: cumulative, suffix: '_bucket' })
    }
    samples.push({ labels: { ...labels, le: '+Inf' }, value: this.#count, suffix: '_bucket' })
    samples.push({ labels, value: this.#sum, suffix: '_sum' })
    samples.push({ labels, value: this.#count, suffix: '_count' })
    return samples
  }
}
