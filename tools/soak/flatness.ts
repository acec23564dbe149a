/**
 * Whether what a process holds stays what it is. Medians of quarters of the run are compared, the last with the second:
 * the first is the warm-up, in which caches fill, and single samples are at the mercy of the garbage collector.
 */
import { median } from '../../bench/measure.ts'
import type { Sample } from './sample.ts'

export type Quantity = Exclude<keyof Sample, 'atMs'>

interface Rule {
  readonly quantity: Quantity
  readonly unit: string
  /** Growth up to this share of the earlier value is none. */
  readonly share: number
  /** Nor is growth up to this much. */
  readonly absolute: number
}

/** The log is bounded by its segments of 16 MiB, of which a quarter's end may just have begun another two. */
export const RULES: readonly Rule[] = [
  { quantity: 'residentMiB', unit: 'MiB', share: 0.1, absolute: 8 },
  { quantity: 'heapMiB', unit: 'MiB', share: 0.1, absolute: 8 },
  { quantity: 'externalMiB', unit: 'MiB', share: 0.1, absolute: 8 },
  { quantity: 'handles', unit: '', share: 0.1, absolute: 4 },
  { quantity: 'threads', unit: '', share: 0, absolute: 1 },
  { quantity: 'logMiB', unit: 'MiB', share: 0.1, absolute: 32 },
]

/** Fewer samples than this say nothing about a trend. */
export const MIN_SAMPLES = 8

/** A quarter of the samples, 0 to 3. */
export function quarter(samples: readonly Sample[], index: number): readonly Sample[] {
  const size = samples.length / 4
  return samples.slice(Math.floor(index * size), Math.floor((index + 1) * size))
}

export function medianOf(samples: readonly Sample[], quantity: Quantity): number {
  return median(samples.map((sample) => sample[quantity]))
}

/** Least squares: by how much a quantity grows in an hour. */
export function slopePerHour(samples: readonly Sample[], quantity: Quantity): number {
  const hours = samples.map(({ atMs }) => atMs / 3_600_000)
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanHours, meanValue] = [mean(hours), mean(samples.map((sample) => sample[quantity]))]
  const spread = hours.reduce((sum, hour) => sum + (hour - meanHours) ** 2, 0)
  const together = samples.reduce(
    (sum, sample, i) => sum + ((hours[i] as number) - meanHours) * (sample[quantity] - meanValue),
    0,
  )
  return spread === 0 ? 0 : together / spread
}

/** What grows, in words; none when all is flat. @throws RangeError for fewer than {@link MIN_SAMPLES} samples */
export function findGrowth(samples: readonly Sample[]): readonly string[] {
  if (samples.length < MIN_SAMPLES) throw new RangeError(`${samples.length} samples show no trend: run it for longer`)
  const [early, late] = [quarter(samples, 1), quarter(samples, 3)]
  return RULES.flatMap(({ quantity, unit, share, absolute }) => {
    const [before, after] = [medianOf(early, quantity), medianOf(late, quantity)]
    if (Number.isNaN(before + after)) return [`${quantity} could not be measured`]
    const allowed = Math.max(before * share, absolute)
    if (after - before <= allowed) return []
    const slope = slopePerHour(samples.slice(Math.floor(samples.length / 4)), quantity)
    return [
      `${quantity} grew from ${before.toFixed(1)} to ${after.toFixed(1)} ${unit} between the second and the last quarter, ` +
        `${allowed.toFixed(1)} is allowed (${slope.toFixed(1)} an hour)`,
    ]
  })
}
