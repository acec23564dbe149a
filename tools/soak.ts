/**
 * A long run of mixed load, to see that nothing grows that should not:
 *
 *     node tools/soak.ts --minutes 60 --rate 300
 *     node tools/soak.ts --minutes 60 --restarts     also stops a follower, then the leader, every five minutes
 *
 * Three durable nodes run as processes. Every ten seconds their memory, handles, threads, log and event loop are looked
 * at; at the end a table is printed, and the exit code is 1 when something was not flat, with what and by how much.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { describeMachine } from '../bench/machine.ts'
import { Fleet } from '../test/chaos/fleet.ts'
import { findGrowth, medianOf, MIN_SAMPLES, quarter, RULES, slopePerHour } from './soak/flatness.ts'
import type { Quantity } from './soak/flatness.ts'
import { MixedLoad } from './soak/mixed-load.ts'
import { takeSample } from './soak/sample.ts'
import type { Sample } from './soak/sample.ts'

const NODES = 3
const SAMPLE_INTERVAL_MS = 10_000
const RESTART_INTERVAL_MS = 300_000
const PROGRESS_INTERVAL_MS = 300_000
/** More than this, and a trend cannot be told from what is there. */
const MAX_MISSED_SHARE = 0.05
const SETTLE_TIMEOUT_MS = 30_000
const SEED = 1

interface Options {
  readonly minutes: number
  readonly rate: number
  readonly restarts: boolean
}

/** @throws Error for an unknown option or a bad number */
function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string' }, rate: { type: 'string' }, restarts: { type: 'boolean' } },
  })
  const positive = (name: string, text: string | undefined, standard: number): number => {
    const value = text === undefined ? standard : Number(text)
    if (!(value > 0 && value < 1e6)) throw new Error(`--${name} is ${text}: give a number above 0`)
    return value
  }
  return {
    minutes: positive('minutes', values.minutes, 60),
    rate: positive('rate', values.rate, 300),
    restarts: values.restarts === true,
  }
}

type Series = ReadonlyMap<number, Sample[]>

/** A node that does not answer in time is looked at again at the next turn; gives how many did not. */
async function sampleAll(fleet: Fleet, series: Series, atMs: number): Promise<number> {
  let missed = 0
  for (const node of fleet.running) {
    try {
      series.get(node.id)?.push(await takeSample(node, fleet.pid(node.id), atMs))
    } catch (error) {
      missed++
      console.log(`${minutes(atMs)}: node ${node.id} could not be looked at: ${(error as Error).message}`)
    }
  }
  return missed
}

function minutes(atMs: number): string {
  return `minute ${(atMs / 60_000).toFixed(1)}`
}

/** What is there by now, for a run that does not come to its end. */
function printProgress(series: Series, atMs: number): void {
  const nodes = [...series].map(([id, samples]) => {
    const { residentMiB, heapMiB, externalMiB, handles } = samples.at(-1) ?? ({} as Sample)
    return `node ${id} ${residentMiB?.toFixed(0)} MiB (heap ${heapMiB?.toFixed(0)}, external ${externalMiB?.toFixed(0)}), ${handles} handles`
  })
  console.log(`${minutes(atMs)}: ${nodes.join('; ')}`)
}

/** Stops one node as a service manager would, and starts it again. */
async function restartOne(fleet: Fleet, wantsLeader: boolean): Promise<void> {
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  if (leader === undefined) throw new Error('the cluster has no leader: nobody is restarted')
  const id = wantsLeader ? leader : (fleet.nodes.find((node) => node.id !== leader)?.id ?? leader)
  const how = await fleet.end(id, 'SIGTERM')
  console.log(`node ${id}, ${wantsLeader ? 'the leader' : 'a follower'}, ${how} and is started again`)
  fleet.run(id)
  if ((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) === undefined) throw new Error(`node ${id} does not come back`)
}

async function run(fleet: Fleet, options: Options): Promise<Series> {
  const series = new Map(fleet.nodes.map(({ id }): [number, Sample[]] => [id, []]))
  const started = performance.now()
  const end = started + options.minutes * 60_000
  let nextRestart = options.restarts ? started + RESTART_INTERVAL_MS : Infinity
  let restarts = 0
  let nextProgress = started + PROGRESS_INTERVAL_MS
  let [looks, missed] = [0, 0]
  while (performance.now() < end) {
    await delay(SAMPLE_INTERVAL_MS)
    fleet.assertRunning()
    const atMs = performance.now() - started
    looks += fleet.running.length
    missed += await sampleAll(fleet, series, atMs)
    if (performance.now() >= nextProgress) {
      nextProgress += PROGRESS_INTERVAL_MS
      printProgress(series, atMs)
    }
    if (performance.now() < nextRestart) continue
    await restartOne(fleet, restarts++ % 2 === 1)
    nextRestart = performance.now() + RESTART_INTERVAL_MS
  }
  if (missed > looks * MAX_MISSED_SHARE) throw new Error(`${missed} of ${looks} looks at a node were not answered in time`)
  return series
}

async function runUnder(load: MixedLoad, fleet: Fleet, options: Options): Promise<Series> {
  try {
    return await run(fleet, options)
  } finally {
    await load.stop()
  }
}

/** After the warm-up, in the middle, at the end: the medians of the second, third and last quarter. */
function printTable(series: Series): void {
  const shown: readonly Quantity[] = [...RULES.map(({ quantity }) => quantity), 'keys', 'loopDelayMs']
  console.log(['node', 'quantity'.padEnd(14), 'warm', 'middle', 'end', 'an hour'].join('\t'))
  for (const [id, samples] of series) {
    for (const quantity of shown) {
      const medians = [1, 2, 3].map((index) => medianOf(quarter(samples, index), quantity).toFixed(1))
      const slope = slopePerHour(samples.slice(Math.floor(samples.length / 4)), quantity)
      console.log([id, quantity.padEnd(14), ...medians, `${slope >= 0 ? '+' : ''}${slope.toFixed(1)}`].join('\t'))
    }
  }
}

async function main(options: Options): Promise<number> {
  console.log(`${describeMachine()}\n${NODES} nodes, ${options.minutes} minutes, ${options.rate} requests a second`)
  if (options.minutes * 60_000 < (MIN_SAMPLES + 1) * SAMPLE_INTERVAL_MS)
    throw new Error('--minutes is too short to show a trend: give 2 or more')
  const fleet = await Fleet.start(NODES)
  try {
    const load = new MixedLoad(
      fleet.nodes.map(({ url }) => url),
      options.rate,
      SEED,
    )
    load.start()
    const series = await runUnder(load, fleet, options)
    const { ok, refused, failed, hungUp } = load.counts
    console.log(`${ok} requests answered, ${refused} refused, ${failed} without an answer, ${hungUp} hung up`)
    printTable(series)
    const growth = [...series].flatMap(([id, samples]) => findGrowth(samples).map((words) => `node ${id}: ${words}`))
    for (const words of growth) console.log(`NOT FLAT: ${words}`)
    if (growth.length === 0) console.log('flat: memory, handles, threads and log of every node')
    return growth.length === 0 && ok > 0 ? 0 : 1
  } finally {
    await fleet.stop()
  }
}

if (import.meta.main) {
  try {
    process.exitCode = await main(parseOptions(process.argv.slice(2)))
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 2
  }
}
