/**
 * What the process says of itself, under the names that Prometheus' clients have for it. The delays of the event loop and garbage
 * collections are measured from the first scrape on: a node that nobody scrapes does without.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { constants, monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics } from 'node:v8'
import type { Exposed, MetricType, Sample } from './exposition.ts'
import { ObservingChild } from './metric-children.ts'

const DELAY_RESOLUTION_MS = 10
const GC_BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5]
const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
}

function metric(type: MetricType, name: string, help: string, samples: readonly Sample[]): Exposed {
  return { name, help, type, samples }
}

function gauge(name: string, help: string, value: number | undefined): Exposed {
  return metric('gauge', name, help, value === undefined ? [] : [{ labels: {}, value }])
}

/** How many there are of each kind, and in all. */
function counted(name: string, help: readonly [each: string, all: string], kinds: readonly string[]): readonly Exposed[] {
  const counts = new Map<string, number>()
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const samples = [...counts].map(([type, value]) => ({ labels: { type }, value }))
  return [metric('gauge', name, help[0], samples), gauge(`${name}_total`, help[1], kinds.length)]
}

/** A file of Linux' procfs; undefined elsewhere. */
function procfs(name: string): string | undefined {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8')
  } catch {
    return undefined
  }
}

function kibibytes(status: string | undefined, field: string): number | undefined {
  const found = status === undefined ? null : new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)
  return found === null ? undefined : Number(found[1]) * 1024
}

function openDescriptors(): number | undefined {
  try {
    // One of them was that of the folder itself.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}

function processSamples(): readonly Exposed[] {
  const { user, system } = process.cpuUsage()
  const status = procfs('status')
  const limit = /^Max open files +(\d+)/m.exec(procfs('limits') ?? '')
  const counter = (name: string, help: string, value: number): Exposed => metric('counter', name, help, [{ labels: {}, value }])
  return [
    counter('process_cpu_user_seconds_total', 'Total user CPU time spent in seconds.', user / 1e6),
    counter('process_cpu_system_seconds_total', 'Total system CPU time spent in seconds.', system / 1e6),
    counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', (user + system) / 1e6),
    gauge(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      Math.round(performance.timeOrigin / 1000),
    ),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', process.memoryUsage.rss()),
    gauge('process_virtual_memory_bytes', 'Virtual memory size in bytes.', kibibytes(status, 'VmSize')),
    gauge('process_heap_bytes', 'Process heap size in bytes.', kibibytes(status, 'VmData')),
    gauge('process_open_fds', 'Number of open file descriptors.', openDescriptors()),
    gauge('process_max_fds', 'Maximum number of open file descriptors.', limit === null ? undefined : Number(limit[1])),
  ]
}

function memorySamples(): readonly Exposed[] {
  const { heapTotal, heapUsed, external } = process.memoryUsage()
  const spaces = getHeapSpaceStatistics().map((space) => ({ ...space, space: space.space_name.replace(/_space$/, '') }))
  const ofSpaces = (which: string, value: (space: (typeof spaces)[number]) => number): Exposed =>
    metric(
      'gauge',
      `nodejs_heap_space_size_${which}_bytes`,
      `Process heap space size ${which} from Node.js in bytes.`,
      spaces.map((one) => ({ labels: { space: one.space }, value: value(one) })),
    )
  return [
    gauge('nodejs_heap_size_total_bytes', 'Process heap size from Node.js in bytes.', heapTotal),
    gauge('nodejs_heap_size_used_bytes', 'Process heap size used from Node.js in bytes.', heapUsed),
    gauge('nodejs_external_memory_bytes', 'Node.js external memory size in bytes.', external),
    ofSpaces('total', (one) => one.space_size),
    ofSpaces('used', (one) => one.space_used_size),
    ofSpaces('available', (one) => one.space_available_size),
  ]
}

/** Things that Node keeps to itself under such a name, and has for as long as there was something like it. */
function internals(name: string): readonly string[] {
  const list: unknown = Reflect.get(process, name)
  if (typeof list !== 'function') return []
  return (Reflect.apply(list, process, []) as readonly object[]).map((one) => one.constructor.name)
}

function activitySamples(): readonly Exposed[] {
  return [
    ...counted(
      'nodejs_active_resources',
      ['Number of active resources that keep the event loop alive, grouped by type.', 'Total number of active resources.'],
      process.getActiveResourcesInfo(),
    ),
    ...counted(
      'nodejs_active_handles',
      ['Number of active libuv handles grouped by handle type.', 'Total number of active handles.'],
      internals('_getActiveHandles'),
    ),
    ...counted(
      'nodejs_active_requests',
      ['Number of active libuv requests grouped by request type.', 'Total number of active requests.'],
      internals('_getActiveRequests'),
    ),
  ]
}

function versionSample(): Exposed {
  const [major = '', minor = '', patch = ''] = process.version.slice(1).split('.')
  const labels = { version: process.version, major, minor, patch }
  return metric('gauge', 'nodejs_version_info', 'Node.js version info.', [{ labels, value: 1 }])
}

export class ProcessMetrics {
  readonly #delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
  readonly #collections = new Map<string, ObservingChild>()
  #lag = Number.NaN

  constructor() {
    this.#delays.enable()
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = Reflect.get(entry, 'detail') as { readonly kind: number }
        this.#collected(kind, entry.duration / 1000)
      }
    })
    observer.observe({ entryTypes: ['gc'] })
  }

  exposed(): readonly Exposed[] {
    return [
      ...processSamples(),
      ...this.#delaySamples(),
      ...activitySamples(),
      ...memorySamples(),
      versionSample(),
      metric(
        'histogram',
        'nodejs_gc_duration_seconds',
        'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
        [...this.#collections].flatMap(([kind, child]) => child.samples({ kind })),
      ),
    ]
  }

  #collected(kind: number, seconds: number): void {
    const name = GC_KINDS[kind] ?? 'other'
    let child = this.#collections.get(name)
    if (child === undefined) this.#collections.set(name, (child = new ObservingChild(GC_BUCKETS)))
    child.observe(seconds)
  }

  /** Since the scrape before. Where nothing was measured since, there is nothing to say. */
  #delaySamples(): readonly Exposed[] {
    const delays = this.#delays
    const measured = (nanoseconds: number): number => (delays.count === 0 ? Number.NaN : nanoseconds / 1e9)
    const ofDelays = (which: string, help: string, nanoseconds: number): Exposed =>
      gauge(`nodejs_eventloop_lag_${which}_seconds`, help, measured(nanoseconds))
    const exposed = [
      gauge('nodejs_eventloop_lag_seconds', 'Lag of event loop in seconds.', this.#lag),
      ofDelays('min', 'The minimum recorded event loop delay.', delays.min),
      ofDelays('max', 'The maximum recorded event loop delay.', delays.max),
      ofDelays('mean', 'The mean of the recorded event loop delays.', delays.mean),
      ofDelays('stddev', 'The standard deviation of the recorded event loop delays.', delays.stddev),
      ...[50, 90, 99].map((n) =>
        ofDelays(`p${n}`, `The ${n}th percentile of the recorded event loop delays.`, delays.percentile(n)),
      ),
    ]
    delays.reset()
    const startedAt = performance.now()
    setImmediate(() => (this.#lag = (performance.now() - startedAt) / 1000))
    return exposed
  }
}
