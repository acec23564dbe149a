import type { CounterName, HistogramName } from './metric-table.ts'

export interface Counter {
  add(amount?: number): void
}

export interface Histogram {
  /** In the unit the metric's name ends with. */
  observe(value: number): void
}

export type Labels = Readonly<Record<string, string>>

/** What the layers below the faces count; gauges are read from status when scraped. */
export interface Metrics {
  counter(name: CounterName, labels?: Labels): Counter
  histogram(name: HistogramName, labels?: Labels): Histogram
}

const nothing = { add: (): void => undefined, observe: (): void => undefined }
export const noMetrics: Metrics = { counter: () => nothing, histogram: () => nothing }
