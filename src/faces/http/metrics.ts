/**
 * The Prometheus face of the Metrics port. What is counted on the hot path are plain numbers; prom-client renders them,
 * and adds what it knows of the process. It is loaded by the first scrape, and what it measures itself, the delays of
 * the event loop and garbage collections, is measured from then on: a node that nobody scrapes does without.
 */
import type { Metric, Registry } from 'prom-client'
import type { NodeStatus, StatusSource } from '../../api/index.ts'
import { assert } from '../../lib/index.ts'
import { METRIC_TABLE } from '../../ports/index.ts'
import type {
  Counter,
  CounterName,
  Histogram,
  HistogramName,
  HistogramRow,
  Labels,
  MetricRow,
  Metrics,
} from '../../ports/index.ts'
import { STATUS_GAUGES } from './status-gauges.ts'
import type { StatusGauge } from './status-gauges.ts'

/** Combinations of label values one metric may have: labels are words of ours, never of a request. */
const MAX_CHILDREN = 1000

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName?: string
}

class CountingChild implements Counter {
  value = 0

  add(amount = 1): void {
    this.value += amount
  }

  samples(labels: Labels): readonly Sample[] {
    return [{ labels, value: this.value }]
  }
}

class ObservingChild implements Histogram {
  readonly #name: string
  readonly #bounds: Float64Array
  readonly #counts: Float64Array
  #sum = 0
  #count = 0

  constructor(name: string, row: HistogramRow) {
    this.#name = name
    this.#bounds = Float64Array.from(row.buckets)
    this.#counts = new Float64Array(row.buckets.length)
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
      samples.push({ labels: { ...labels, le: bound }, value: cumulative, metricName: `${this.#name}_bucket` })
    }
    samples.push({ labels: { ...labels, le: '+Inf' }, value: this.#count, metricName: `${this.#name}_bucket` })
    samples.push({ labels, value: this.#sum, metricName: `${this.#name}_sum` })
    samples.push({ labels, value: this.#count, metricName: `${this.#name}_count` })
    return samples
  }
}

type Child = CountingChild | ObservingChild

/** One row of the table and its values, in the form the registry renders. */
class Family {
  readonly name: string
  readonly #row: MetricRow
  readonly #children = new Map<string, { readonly labels: Labels; readonly child: Child }>()

  constructor(name: string, row: MetricRow) {
    this.name = name
    this.#row = row
    if (row.labels.length === 0) this.child({})
  }

  get type(): MetricRow['type'] {
    return this.#row.type
  }

  child(labels: Labels): Child {
    const names = this.#row.labels
    const given = Object.keys(labels)
    assert(
      given.length === names.length && names.every((name) => labels[name] !== undefined),
      `metric ${this.name} has the labels (${names.join(', ')}), not (${given.join(', ')})`,
    )
    const key = names.map((name) => labels[name]).join('\u0000')
    const known = this.#children.get(key)
    if (known !== undefined) return known.child
    assert(this.#children.size < MAX_CHILDREN, `metric ${this.name} has ${MAX_CHILDREN} combinations of labels already`)
    const child = this.#row.type === 'counter' ? new CountingChild() : new ObservingChild(this.name, this.#row)
    this.#children.set(key, { labels, child })
    return child
  }

  async get(): Promise<object> {
    const values = [...this.#children.values()].flatMap(({ labels, child }) => child.samples(labels))
    return { name: this.name, help: this.#row.help, type: this.#row.type, values, aggregator: 'sum' }
  }
}

export interface PrometheusMetricsOptions {
  /** Whether to expose the process too: memory, CPU, event loop, garbage collection. True when absent. */
  readonly processMetrics?: boolean
}

/**
 * @example
 * const metrics = new PrometheusMetrics()
 * metrics.counter('aspen_overloaded_total', { queue: 'mailbox' }).add()
 */
export class PrometheusMetrics implements Metrics {
  readonly contentType: string = 'text/plain; version=0.0.4; charset=utf-8'
  readonly #processMetrics: boolean
  readonly #families = new Map<string, Family>()
  #registry: Promise<Registry> | null = null
  #source: StatusSource | null = null
  /** The status that one scrape reads all its gauges from. */
  #scraped: NodeStatus | null = null

  constructor({ processMetrics = true }: PrometheusMetricsOptions = {}) {
    this.#processMetrics = processMetrics
    for (const [name, row] of Object.entries(METRIC_TABLE)) this.#families.set(name, new Family(name, row))
  }

  /** The same object for the same labels. @throws AssertionError for a name or labels that are not in the table */
  counter(name: CounterName, labels: Labels = {}): Counter {
    const child = this.#family(name, 'counter').child(labels)
    assert(child instanceof CountingChild, `metric ${name} is not a counter`)
    return child
  }

  /** The same object for the same labels. @throws AssertionError for a name or labels that are not in the table */
  histogram(name: HistogramName, labels: Labels = {}): Histogram {
    const child = this.#family(name, 'histogram').child(labels)
    assert(child instanceof ObservingChild, `metric ${name} is not a histogram`)
    return child
  }

  /** Exposes the gauges of this node's status. Once, and before the first scrape. */
  watch(source: StatusSource): void {
    assert(this.#source === null, 'these metrics belong to a node already')
    assert(this.#registry === null, 'the metrics have been scraped before they were given a node to watch')
    this.#source = source
  }

  /** All metrics in Prometheus' text format, version 0.0.4. */
  async render(): Promise<string> {
    this.#registry ??= this.#createRegistry()
    const registry = await this.#registry
    this.#scraped = this.#source?.status() ?? null
    return registry.metrics()
  }

  async #createRegistry(): Promise<Registry> {
    const { collectDefaultMetrics, Registry: NewRegistry } = await import('prom-client')
    const registry = new NewRegistry()
    // The registry only ever asks a metric for its name and its values, whatever the declared type says.
    const register = (metric: { readonly name: string; get(): Promise<object> }): void =>
      registry.registerMetric(metric as unknown as Metric)
    for (const family of this.#families.values()) register(family)
    if (this.#source !== null) {
      for (const gauge of STATUS_GAUGES) register(this.#gauge(gauge, this.#source))
    }
    if (this.#processMetrics) collectDefaultMetrics({ register: registry })
    return registry
  }

  #gauge(gauge: StatusGauge, source: StatusSource) {
    const { name, help, type } = gauge
    return {
      name,
      get: async () => ({ name, help, type, values: gauge.samples(this.#scraped ?? source.status()), aggregator: 'sum' }),
    }
  }

  #family(name: string, type: MetricRow['type']): Family {
    const family = this.#families.get(name)
    assert(family !== undefined && family.type === type, `${name} is not a ${type} of the metric table`)
    return family
  }
}
