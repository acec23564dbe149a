/**
 * How long nobody's writes are acknowledged when the leader goes: three durable nodes as processes of their own, clients
 * with connections to all of them that write without pause, and the leader killed or stopped again and again.
 *
 *     node bench/failover.ts                        both ways, 20 trials each
 *     node bench/failover.ts --trials 5 --clients 64 kill
 *     node bench/failover.ts stop
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Fleet } from '../test/chaos/fleet.ts'
import { lengthMs, longestGap } from '../test/chaos/gaps.ts'
import { RetryingClients } from '../test/chaos/retrying-clients.ts'
import { describeMachine } from './machine.ts'
import { quantile } from './measure.ts'

const SIGNALS = { kill: 'SIGKILL', stop: 'SIGTERM' } as const
type Way = keyof typeof SIGNALS

const NODES = 3
const SETTLE_TIMEOUT_MS = 30_000
/** Undisturbed load before the leader goes, and the time after it in which the gap is looked for. */
const STEADY_MS = 1_000
const AFTERMATH_MS = 1_500

interface Settings {
  readonly ways: readonly Way[]
  readonly trials: number
  readonly clients: number
}

function isWay(text: string): text is Way {
  return Object.hasOwn(SIGNALS, text)
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${option} is ${text}: it must be a whole number from 1`)
  return value
}

/** @throws Error for an unknown way, an unknown option or a bad number */
function parseSettings(args: readonly string[]): Settings {
  const options = { trials: { type: 'string', default: '20' }, clients: { type: 'string', default: '32' } } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const ways = positionals.map((name) => {
    if (!isWay(name)) throw new Error(`there is no way ${name}: there are ${Object.keys(SIGNALS).join(', ')}`)
    return name
  })
  return {
    ways: ways.length === 0 ? ['kill', 'stop'] : ways,
    trials: wholeNumber('trials', values.trials),
    clients: wholeNumber('clients', values.clients),
  }
}

async function settled(fleet: Fleet): Promise<number> {
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  if (leader === undefined) throw new Error(`no leader that all nodes know within ${SETTLE_TIMEOUT_MS} ms`)
  return leader
}

/** The longest gap around the end of one leader, in milliseconds. */
async function trial(fleet: Fleet, writers: RetryingClients, way: Way): Promise<number> {
  const leader = await settled(fleet)
  await delay(STEADY_MS)
  const since = performance.now()
  await fleet.end(leader, SIGNALS[way])
  await delay(AFTERMATH_MS)
  const gap = lengthMs(longestGap(writers.acknowledged, since, performance.now()))
  fleet.run(leader)
  await settled(fleet)
  return gap
}

function describeGaps(way: Way, gaps: readonly number[]): string {
  const share = (part: number): string => `${quantile(gaps, part).toFixed(0)} ms`
  return `${SIGNALS[way]} of the leader, ${gaps.length} trials: p50 ${share(0.5)}, p95 ${share(0.95)}, max ${share(1)}`
}

async function measureWay(way: Way, { trials, clients }: Settings): Promise<void> {
  const fleet = await Fleet.start(NODES)
  const urls = fleet.nodes.map(({ url }) => url)
  const writers = new RetryingClients({ urls, clients, distinctKeys: false, readBack: false })
  try {
    writers.start()
    const gaps: number[] = []
    for (let i = 0; i < trials; i++) gaps.push(await trial(fleet, writers, way))
    await writers.stop()
    console.log(describeGaps(way, gaps))
    console.log(`  each: ${gaps.map((gap) => gap.toFixed(0)).join(' ')}`)
    console.log(`  ${writers.acknowledged.length} writes acknowledged, ${writers.failures.length} requests failed`)
    for (const failure of new Set(writers.failures)) console.log(`  failed: ${failure}`)
  } finally {
    await writers.stop()
    await fleet.stop()
  }
}

if (import.meta.main) {
  try {
    const settings = parseSettings(process.argv.slice(2))
    console.log(
      `${describeMachine()}\n${NODES} nodes, ${settings.clients} clients, each with one write in flight and all nodes\n`,
    )
    for (const way of settings.ways) await measureWay(way, settings)
  } catch (error) {
    console.error(`failover: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
