/** Prometheus' text format, version 0.0.4. */

export type MetricType = 'counter' | 'gauge' | 'histogram'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** What follows the name of the metric: `_bucket`, say. */
  readonly suffix?: string
}

/** A metric and what it shows at this scrape. */
export interface Exposed {
  readonly name: string
  readonly help: string
  readonly type: MetricType
  readonly samples: readonly Sample[]
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function renderMetrics(metrics: readonly Exposed[]): string {
  return `${metrics.map(renderMetric).join('\n\n')}\n`
}

function renderMetric({ name, help, type, samples }: Exposed): string {
  const lines = samples
    // What was never measured has no sample: a number that is none would be averaged with the others.
    .filter(({ value }) => !Number.isNaN(value))
    .map(({ labels, value, suffix = '' }) => `${name}${suffix}${renderLabels(labels)} ${renderValue(value)}`)
  return [`# HELP ${name} ${escapeText(help)}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
}

function renderLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeText(value).replaceAll('"', '\\"')}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function renderValue(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
