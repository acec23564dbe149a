/** A metric's value only. Names, help and units are declared once, where the metrics are exposed. */
export interface Counter {
  add(amount?: number): void
}

export interface Histogram {
  /** In the unit the metric's name ends with. */
  observe(value: number): void
}

/** What the layers below the faces count; gauges are read from status when scraped. */
export interface Metrics {
  counter(name: string, labels?: Readonly<Record<string, string>>): Counter
  histogram(name: string, labels?: Readonly<Record<string, string>>): Histogram
}

const nothing = { add: (): void => undefined, observe: (): void => undefined }
export const noMetrics: Metrics = { counter: () => nothing, histogram: () => nothing }
