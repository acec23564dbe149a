/** The Prometheus face of the Metrics port. */
import type { StatusSource } from '../../api/index.ts'
import { assert, fail } from '../../lib/index.ts'
import { METRIC_TABLE } from '../../ports/index.ts'
import type { Counter, CounterName, Histogram, HistogramName, Labels, MetricRow, Metrics } from '../../ports/index.ts'
import { EXPOSITION_TYPE, renderMetrics } from './exposition.ts'
import type { Exposed } from './exposition.ts'
import { CountingChild, ObservingChild } from './metric-children.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { STATUS_GAUGES } from './status-gauges.ts'

/** Combinations of label values one metric may have: labels are words of ours, never of a request. */
const MAX_CHILDREN = 1000

type Child = CountingChild | ObservingChild

/** One row of the table and its values. */
class Family {
  readonly name: string
  readonly #row: MetricRow
  readonly #children = new Map<string, { readonly labels: Labels; readonly child: Child }>()

  constructor(name: string, row: MetricRow) {
    this.name = name
    this.#row = row
    if (row.labels.length === 0) this.child({})
    // A counter that appears with its first event has no rate then: what may be counted is there from the start.
    const [label] = row.labels
    if (label !== undefined && 'values' in row) for (const value of row.values) this.child({ [label]: value })
  }

  get type(): MetricRow['type'] {
    return this.#row.type
  }

  child(labels: Labels): Child {
    const names = this.#row.labels
    const given = Object.keys(labels)
    if (!(given.length === names.length && names.every((name) => labels[name] !== undefined)))
      fail(`metric ${this.name} has the labels (${names.join(', ')}), not (${given.join(', ')})`)
    const key = names.map((name) => labels[name]).join('\u0000')
    const known = this.#children.get(key)
    if (known !== undefined) return known.child
    if (!(this.#children.size < MAX_CHILDREN)) fail(`metric ${this.name} has ${MAX_CHILDREN} combinations of labels already`)
    const child = this.#row.type === 'counter' ? new CountingChild() : new ObservingChild(this.#row.buckets)
    this.#children.set(key, { labels, child })
    return child
  }

  exposed(): Exposed {
    const samples = [...this.#children.values()].flatMap(({ labels, child }) => child.samples(labels))
    return { name: this.name, help: this.#row.help, type: this.#row.type, samples }
  }
}

export interface PrometheusMetricsOptions {
  /** Whether to expose the process too: memory, CPU, event loop, garbage collection. True when absent. */
  readonly processMetrics?: boolean
}

/** Scrapes that are each rendered anew; more of them in one turn of the event loop share the last text. */
const MAX_RENDERED_A_TURN = 8

/**
 * @example
 * const metrics = new PrometheusMetrics()
 * metrics.counter('aspen_overloaded_total', { queue: 'mailbox' }).add()
 */
export class PrometheusMetrics implements Metrics {
  readonly contentType: string = EXPOSITION_TYPE
  readonly #processMetrics: boolean
  readonly #families = new Map<string, Family>()
  #source: StatusSource | null = null
  /** Begins to measure at the first scrape. */
  #process: ProcessMetrics | null = null
  #scraped = false
  /** The texts of this turn of the event loop. */
  #inThisTurn: string[] = []

  constructor({ processMetrics = true }: PrometheusMetricsOptions = {}) {
    this.#processMetrics = processMetrics
    for (const [name, row] of Object.entries(METRIC_TABLE)) this.#families.set(name, new Family(name, row))
  }

  /** The same object for the same labels. @throws AssertionError for a name or labels that are not in the table */
  counter(name: CounterName, labels: Labels = {}): Counter {
    const child = this.#family(name, 'counter').child(labels)
    if (!(child instanceof CountingChild)) fail(`metric ${name} is not a counter`)
    return child
  }

  /** The same object for the same labels. @throws AssertionError for a name or labels that are not in the table */
  histogram(name: HistogramName, labels: Labels = {}): Histogram {
    const child = this.#family(name, 'histogram').child(labels)
    if (!(child instanceof ObservingChild)) fail(`metric ${name} is not a histogram`)
    return child
  }

  /** Exposes the gauges of this node's status. Once, and before the first scrape. */
  watch(source: StatusSource): void {
    assert(this.#source === null, 'these metrics belong to a node already')
    assert(!this.#scraped, 'the metrics have been scraped before they were given a node to watch')
    this.#source = source
  }

  /** All metrics in Prometheus' text format, version 0.0.4. */
  async render(): Promise<string> {
    // A turn is not filled by those who ask for this a thousand times at once.
    if (this.#inThisTurn.length >= MAX_RENDERED_A_TURN) return this.#inThisTurn.at(-1) ?? ''
    if (this.#inThisTurn.length === 0) setImmediate(() => (this.#inThisTurn = []))
    const text = this.#render()
    this.#inThisTurn.push(text)
    return text
  }

  #render(): string {
    this.#scraped = true
    const status = this.#source?.status()
    const gauges = status === undefined ? [] : STATUS_GAUGES.map((gauge) => ({ ...gauge, samples: gauge.samples(status) }))
    if (this.#processMetrics) this.#process ??= new ProcessMetrics()
    const counted = [...this.#families.values()].map((family) => family.exposed())
    return renderMetrics([...counted, ...gauges, ...(this.#process?.exposed() ?? [])])
  }

  #family(name: string, type: MetricRow['type']): Family {
    const family = this.#families.get(name)
    if (!(family !== undefined && family.type === type)) fail(`${name} is not a ${type} of the metric table`)
    return family
  }
}
