/**
 * How long it takes until nodes that nobody tells of one another are all linked: three hosts on a bridge, each in a network namespace of its
 * own, with a node as a process of its own; multicast DNS alone, no gossip.
 *
 *     npm run bench:discovery                  20 trials each
 *     npm run bench:discovery -- --trials 5
 *     npm run bench:discovery -- --trials 1 --cut-seconds 300      and how long a host of which the cable was out needs
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { runInNamespace, whyNoHosts } from '../test/netns/in-namespace.ts'
import { form, meshed, write } from '../test/netns/lan-cluster.ts'
import { isConnectedFrom, Lan } from '../test/netns/lan.ts'
import type { Host, HostNode } from '../test/netns/lan.ts'
import { describeMachine } from './machine.ts'
import { quantile } from './measure.ts'

const HOSTS = ['a', 'b', 'c'] as const
const FLAGS = ['--cookie', 'of-the-lan', '--no-enable-gossip', '--log-level', 'error']
const TIMEOUT_MS = 600_000
const LIMIT_MS = 60_000
const MAX_CUT_SECONDS = 3_600
const POLL_MS = 20
const REST_MS = 1_000
const MS_A_TICK = 10

/** What all processors have done so far, in hundredths of a second: trials that take more of it had company. */
function busyTicks(): number {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/) ?? []
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number)
  return user + nice + system + irq + softirq + steal
}

/** Milliseconds until it holds. */
async function timed(since: number, what: string, holds: () => Promise<boolean>): Promise<number> {
  while (!(await holds())) {
    if (performance.now() - since > LIMIT_MS) throw new Error(`${what}: not within ${LIMIT_MS} ms`)
    await delay(POLL_MS)
  }
  return performance.now() - since
}

interface Start {
  readonly all: number
  readonly sinceReady: number
  readonly processorMs: number
}

async function coldStart(hosts: readonly Host[]): Promise<Start> {
  const ticks = busyTicks()
  const started = performance.now()
  const nodes = hosts.map((host, i) => host.startNode(i + 1, FLAGS))
  await Promise.all(nodes.map((node) => node.ready()))
  const ready = performance.now() - started
  const all = await timed(started, 'a mesh', () => meshed(nodes))
  const processorMs = (busyTicks() - ticks) * MS_A_TICK
  await Promise.all(hosts.map((host) => host.wipe()))
  return { all, sinceReady: Math.max(0, all - ready), processorMs }
}

/** Until the last host is linked with both others from its new address, and takes a write. */
async function addressChange(
  hosts: readonly Host[],
  nodes: readonly HostNode[],
  [from, to]: readonly [string, string],
): Promise<number> {
  const host = hosts.at(-1) as Host
  const others = HOSTS.slice(0, -1).map((_, i) => `10.1.0.${i + 1}`)
  const changed = performance.now()
  host.ip('addr', 'del', `${from}/24`, 'dev', 'eth0')
  host.ip('addr', 'add', `${to}/24`, 'dev', 'eth0')
  const found = async (): Promise<boolean> => isConnectedFrom(host, to, others) && (await meshed(nodes))
  const ms = await timed(changed, 'it is found', found)
  if (!(await write(nodes.at(-1) as HostNode, `from ${to}`))) throw new Error('it is linked, and takes no write')
  return ms
}

/** Its cable is out for a while: until it is linked with both others again, with gossip too, as nodes have it. */
async function healedAfterCut(hosts: readonly Host[], cutMs: number): Promise<number> {
  const nodes = hosts.map((host, i) =>
    host.startNode(
      i + 1,
      FLAGS.filter((flag) => flag !== '--no-enable-gossip'),
    ),
  )
  await form(nodes)
  const cut = hosts.at(-1) as Host
  cut.cable('eth0', 'down')
  await delay(cutMs)
  if (await meshed(nodes)) throw new Error('it is linked while its cable is out')
  cut.cable('eth0', 'up')
  const ms = await timed(performance.now(), 'it is linked again', () => meshed(nodes))
  if (!(await write(nodes.at(-1) as HostNode, 'after the cut'))) throw new Error('it is linked, and takes no write')
  await Promise.all(hosts.map((host) => host.wipe()))
  return ms
}

function line(what: string, values: readonly number[]): void {
  const at = (share: number): string => `${quantile(values, share).toFixed(0)} ms`
  console.log(`${what}, ${values.length} trials: p50 ${at(0.5)}, p99 ${at(0.99)}`)
  console.log(`  each: ${values.map((ms) => ms.toFixed(0)).join(' ')}`)
}

async function measureAll(trials: number, cutMs: number): Promise<void> {
  const lan = new Lan()
  try {
    const bridge = lan.bridge('br0')
    const hosts: Host[] = []
    for (const [i, name] of HOSTS.entries()) hosts.push(await lan.host(name, { bridge, address: `10.1.0.${i + 1}/24` }))
    const starts: Start[] = []
    for (let i = 0; i < trials; i++) starts.push(await coldStart(hosts))
    line(
      'three nodes, from the start of their processes until each is linked with both others',
      starts.map(({ all }) => all),
    )
    line(
      '  of that, since the last of them was ready',
      starts.map(({ sinceReady }) => sinceReady),
    )
    line(
      '  processor time of the whole machine meanwhile',
      starts.map(({ processorMs }) => processorMs),
    )
    if (cutMs > 0) line(`a host, cut off for ${cutMs / 1_000} s, until it is linked again`, [await healedAfterCut(hosts, cutMs)])
    const nodes = hosts.map((host, i) => host.startNode(i + 1, FLAGS))
    await form(nodes)
    const changes: number[] = []
    let [from, to] = ['10.1.0.3', '10.1.0.77']
    for (let i = 0; i < trials; i++) {
      await delay(REST_MS)
      changes.push(await addressChange(hosts, nodes, [from, to]))
      ;[from, to] = [to, from]
    }
    line('a member whose address changes, until it is linked with both others again', changes)
  } finally {
    await lan.stop()
  }
}

if (import.meta.main) {
  try {
    const options = {
      trials: { type: 'string', default: '20' },
      'cut-seconds': { type: 'string', default: '0' },
      inside: { type: 'boolean', default: false },
    } as const
    const { values } = parseArgs({ options })
    const trials = Number(values.trials)
    if (!Number.isSafeInteger(trials) || trials < 1)
      throw new Error(`--trials is ${values.trials}: it must be a whole number from 1`)
    const cutSeconds = Number(values['cut-seconds'])
    if (!(cutSeconds >= 0 && cutSeconds <= MAX_CUT_SECONDS))
      throw new Error(`--cut-seconds is ${values['cut-seconds']}: it must be a number from 0 to ${MAX_CUT_SECONDS}`)
    const why = values.inside ? undefined : whyNoHosts()
    if (why !== undefined) throw new Error(why)
    if (values.inside) await measureAll(trials, cutSeconds * 1_000)
    else {
      console.log(`${describeMachine()}\n`)
      const flags = ['--trials', values.trials, '--cut-seconds', values['cut-seconds']]
      console.log(runInNamespace(['bench/discovery.ts', '--inside', ...flags], TIMEOUT_MS + cutSeconds * 1_000))
    }
  } catch (error) {
    console.error(`discovery: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
