import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AssertionError } from '../../src/lib/index.ts'
import { METRIC_TABLE } from '../../src/ports/index.ts'
import type { CounterName, MetricRow } from '../../src/ports/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { PrometheusMetrics } from '../../src/faces/http/metrics.ts'
import { STATUS_GAUGES } from '../../src/faces/http/status-gauges.ts'

function create(): PrometheusMetrics {
  return new PrometheusMetrics({ processMetrics: false })
}

test('counter: adds up, one value for each combination of labels', async () => {
  const metrics = create()
  metrics.counter('aspen_overloaded_total', { queue: 'mailbox' }).add()
  metrics.counter('aspen_overloaded_total', { queue: 'mailbox' }).add(2)
  metrics.counter('aspen_overloaded_total', { queue: 'reads "x"\n' }).add()
  const text = await metrics.render()
  assert.match(text, /^# TYPE aspen_overloaded_total counter$/m)
  assert.match(text, /^aspen_overloaded_total\{queue="mailbox"\} 3$/m)
  assert.match(text, /^aspen_overloaded_total\{queue="reads \\"x\\"\\n"\} 1$/m)
  assert.match(text, /^aspen_proposals_total 0$/m, 'a counter without labels is there from the start')
})

test('histogram: counts cumulatively, a bound belonging to its bucket', async () => {
  const metrics = create()
  const histogram = metrics.histogram('aspen_log_batch_entries')
  for (const value of [1, 2, 3, 5000]) histogram.observe(value)
  const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('aspen_log_batch_entries'))
  assert.deepEqual(lines, [
    'aspen_log_batch_entries_bucket{le="1"} 1',
    'aspen_log_batch_entries_bucket{le="2"} 2',
    ...[4, 8, 16, 32, 64, 128, 256, 512, 1024].map((bound) => `aspen_log_batch_entries_bucket{le="${bound}"} 3`),
    'aspen_log_batch_entries_bucket{le="+Inf"} 4',
    'aspen_log_batch_entries_sum 5006',
    'aspen_log_batch_entries_count 4',
  ])
})

test('counter and histogram: throw for a name, a type or labels that are not declared', () => {
  const metrics = create()
  const wrong = [
    () => metrics.counter('aspen_typo_total' as CounterName),
    () => metrics.counter('aspen_log_batch_entries' as CounterName),
    () => metrics.counter('aspen_overloaded_total'),
    () => metrics.counter('aspen_overloaded_total', { reason: 'x' }),
    () => metrics.counter('aspen_overloaded_total', { queue: 'x', extra: 'y' }),
  ]
  for (const call of wrong) assert.throws(call, AssertionError)
})

test('counter: throws when labels take ever new values', () => {
  const metrics = create()
  assert.throws(() => {
    for (let i = 0; i < 100_000; i++) metrics.counter('aspen_overloaded_total', { queue: `queue ${i}` })
  }, AssertionError)
})

test('watch: exposes every gauge of the status, read at each scrape, once', async () => {
  const metrics = create()
  const cluster = new InMemoryCluster({ initialized: true })
  metrics.watch(cluster)
  const before = await metrics.render()
  for (const { name, type } of STATUS_GAUGES) assert.ok(before.includes(`# TYPE ${name} ${type}\n`), name)
  assert.match(before, /^aspen_role\{role="leader"\} 1$/m)
  assert.match(before, /^aspen_keys 0$/m)
  await cluster.write({ Set: { key: 'k', value: 'v' } })
  assert.match(await metrics.render(), /^aspen_keys 1$/m)
  assert.throws(() => metrics.watch(cluster), AssertionError)
})

test('names: say what they are, with their unit last', () => {
  for (const [name, { type }] of Object.entries(METRIC_TABLE)) {
    assert.match(name, type === 'counter' ? /^aspen_[a-z_]+_total$/ : /^aspen_[a-z_]+_(seconds|entries|bytes)$/)
  }
  for (const { name, type } of STATUS_GAUGES) assert.equal(name.endsWith('_total'), type === 'counter', name)
})

/** What dashboards are built on. Those of procfs are Linux' own. */
const PROCESS_NAMES = [
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_seconds',
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map((which) => `nodejs_eventloop_lag_${which}_seconds`),
  ...['resources', 'handles', 'requests'].flatMap((which) => [`nodejs_active_${which}`, `nodejs_active_${which}_total`]),
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_external_memory_bytes',
  ...['total', 'used', 'available'].map((which) => `nodejs_heap_space_size_${which}_bytes`),
  'nodejs_version_info',
  'nodejs_gc_duration_seconds',
]

test('processMetrics: adds what is known of the process, by the names that it always had', async () => {
  const text = await new PrometheusMetrics().render()
  for (const name of PROCESS_NAMES) assert.match(text, new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, 'm'))
  assert.match(text, /^process_resident_memory_bytes [1-9]\d+$/m)
  assert.match(text, /^process_cpu_seconds_total [\d.]+$/m)
  assert.match(text, /^nodejs_version_info\{version="v\d+\.\d+\.\d+",major="\d+",minor="\d+",patch="\d+"\} 1$/m)
})

test('processMetrics: shows no number where nothing was measured yet, at the first scrape or right after another', async () => {
  const metrics = new PrometheusMetrics()
  for (let i = 0; i < 3; i++) {
    const lags = (await metrics.render()).split('\n').filter((line) => line.startsWith('nodejs_eventloop_lag'))
    for (const line of lags) {
      const seconds = Number(line.split(' ')[1])
      assert.ok(seconds >= 0 && seconds < 60, line)
    }
  }
})

test('render: every line is one of the format, and counters with known labels are there from the start', async () => {
  const metrics = new PrometheusMetrics()
  const text = await metrics.render()
  for (const line of text.split('\n')) {
    assert.match(line, /^$|^# (HELP|TYPE) \w+ .+$|^\w+(\{(\w+="[^"]*",?)+\})? (\+Inf|-?[\d.]+(e[+-]?\d+)?)$/)
  }
  assert.match(text, /^aspen_overloaded_total\{queue="mailbox"\} 0$/m)
  assert.match(text, /^aspen_link_opened_total\{direction="inbound"\} 0$/m)
  for (const { labels, ...row } of Object.values(METRIC_TABLE) as readonly MetricRow[]) {
    if ('values' in row) assert.equal(labels.length, 1)
  }
})

test('render: a thousand scrapes at once are not rendered a thousand times, and the next one is anew', async () => {
  const metrics = new PrometheusMetrics({ processMetrics: false })
  let asked = 0
  const cluster = new InMemoryCluster()
  metrics.watch({
    status: () => {
      asked++
      return cluster.status()
    },
  })
  const texts = await Promise.all(Array.from({ length: 1000 }, () => metrics.render()))
  assert.ok(asked < 20, `rendered ${asked} times`)
  assert.ok(texts.every((text) => text.includes('aspen_role')))
  await new Promise((resolve) => setImmediate(resolve))
  const before = asked
  await metrics.render()
  assert.equal(asked, before + 1)
})
