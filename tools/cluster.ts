/**
 * `npm run cluster`: some nodes on loopback, made one cluster. The nodes are plain processes; one may be killed and
 * started again by hand while this goes on. Settings: ASPEN_NODE_COUNT, ASPEN_STORAGE, ASPEN_BASE_HTTP,
 * ASPEN_BASE_RACTOR, ASPEN_DATA_DIR, ASPEN_COOKIE.
 */
import { rmSync } from 'node:fs'
import { ConfigError } from '../src/cluster/config/index.ts'
import { standardError, standardOutput } from '../src/cluster/output/index.ts'
import { startChild, stopChildren } from './cluster/child.ts'
import type { Child } from './cluster/child.ts'
import { CLUSTER_HELP, readClusterSettings } from './cluster/environment.ts'
import type { ClusterSettings } from './cluster/environment.ts'
import { formCluster, introduceNodes, waitForNodes } from './cluster/form-cluster.ts'
import type { Member } from './cluster/form-cluster.ts'
import { LOOPBACK, nodeCommand, nodeUrl, shellLine } from './cluster/node-plan.ts'
import type { NodePlan } from './cluster/node-plan.ts'
import { portTrouble } from './cluster/ports.ts'
import { nodePorts, prepareCluster } from './cluster/prepare.ts'
import type { PreparedCluster } from './cluster/prepare.ts'
import { summary } from './cluster/summary.ts'
import { watchCluster } from './cluster/watch-cluster.ts'
import { takeNoArguments } from './no-arguments.ts'

const EXIT_USAGE = 64
const FORMATION_TIMEOUT_MS = 60_000
/** Longer than a node takes at most to stop. */
const STOP_DEADLINE_MS = 10_000
/** npm passes on a signal that the process group has received already; both are one request. */
const REPEATED_SIGNAL_MS = 1_000

const NODE_FLAGS = ['--log-level', 'error', '--log-format', 'pretty']

/** A signal of the terminal reaches a node and this process at once; what it did to the node may be heard of first. */
const SIGNAL_LAG_MS = 500

const print = (line: string): void => standardOutput().write(`${line}\n`)
const complain = (line: string): void => standardError().write(`cluster: ${line}\n`)

function readSettings(): ClusterSettings {
  takeNoArguments('cluster', CLUSTER_HELP)
  try {
    return readClusterSettings(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    complain(error.message)
    return process.exit(EXIT_USAGE)
  }
}

function prepare(settings: ClusterSettings): PreparedCluster | undefined {
  try {
    return prepareCluster(settings, NODE_FLAGS)
  } catch (error) {
    const where = settings.dataDir === undefined ? 'a temporary folder' : `ASPEN_DATA_DIR ${settings.dataDir}`
    complain(`${where} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** Aborts at the first request to stop; at a later one the children and this process end at once. */
function stopOnSignals(children: readonly Child[]): AbortSignal {
  const stop = new AbortController()
  let askedAt: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    if (askedAt === undefined) {
      askedAt = performance.now()
      print('stopping all nodes')
      stop.abort()
    } else if (performance.now() - askedAt >= REPEATED_SIGNAL_MS) {
      for (const child of children) child.kill('SIGKILL')
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, onSignal)
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  return stop.signal
}

async function findBusyPort(settings: ClusterSettings): Promise<string | undefined> {
  for (const { nodeId, httpPort, ractorPort } of nodePorts(settings)) {
    for (const [port, use, variable] of [
      [httpPort, 'HTTP', 'ASPEN_BASE_HTTP'],
      [ractorPort, 'links', 'ASPEN_BASE_RACTOR'],
    ] as const) {
      const trouble = await portTrouble(LOOPBACK, port)
      if (trouble === undefined) continue
      return `port ${port}, for ${use} of node ${nodeId}, cannot be had (${trouble}): move the ports with ${variable}`
    }
  }
  return undefined
}

function startNodes(plans: readonly NodePlan[], children: Child[]): void {
  for (const plan of plans) {
    const command = nodeCommand(plan)
    const child = startChild(`node ${plan.nodeId}`, command, ['ignore', 'inherit', 'inherit'])
    children.push(child)
  }
}

/** Says how to start a node again that has ended since the cluster stands. */
function reportEnds({ plans }: PreparedCluster, children: readonly Child[], stop: AbortSignal): void {
  for (const [index, child] of children.entries()) {
    const plan = plans[index] as NodePlan
    const report = async (how: string): Promise<void> => {
      if (await stopsSoon(stop)) return
      complain(`${child.name}, pid ${child.pid}, ${how}. Start it again with:\n  ${shellLine(nodeCommand(plan))}`)
    }
    child.exit.then(report).catch(complain)
  }
}

/** Whether the end of a node is part of the end of all. */
async function stopsSoon(stop: AbortSignal): Promise<boolean> {
  if (stop.aborted) return true
  const lag = Promise.withResolvers<void>()
  const timer = setTimeout(lag.resolve, SIGNAL_LAG_MS)
  stop.addEventListener('abort', () => lag.resolve(), { once: true })
  await lag.promise
  clearTimeout(timer)
  return stop.aborted
}

/** Rejects when a node ends: before the cluster stands, that is a failure. */
async function failWhenOneEnds(children: readonly Child[]): Promise<never> {
  const how = await Promise.race(children.map(async ({ name, exit }) => `${name} ${await exit}`))
  throw new Error(`${how} before the cluster stood`)
}

function membersOf({ plans }: PreparedCluster): Member[] {
  return plans.map((plan) => ({ nodeId: plan.nodeId, url: nodeUrl(plan) }))
}

async function form(cluster: PreparedCluster, signal: AbortSignal): Promise<number> {
  const { plans } = cluster
  const members = membersOf(cluster)
  const formation = { timeoutMs: FORMATION_TIMEOUT_MS, signal }
  await waitForNodes(members, formation)
  if (plans[0]?.storage === 'InMemory') await introduceNodes(members, formation)
  return formCluster(members, formation)
}

/** Serves until asked to stop. Returns whether all went well. */
async function run(cluster: PreparedCluster, children: Child[], stop: AbortSignal): Promise<boolean> {
  startNodes(cluster.plans, children)
  const giveUp = new AbortController()
  try {
    const formed = form(cluster, AbortSignal.any([stop, giveUp.signal]))
    print(summary(cluster, children, await Promise.race([formed, failWhenOneEnds(children)])))
  } catch (error) {
    if (await stopsSoon(stop)) return true
    giveUp.abort()
    complain(error instanceof Error ? error.message : String(error))
    return false
  }
  reportEnds(cluster, children, stop)
  watchCluster(membersOf(cluster), stop, print).catch(complain)
  await aborted(stop)
  return true
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  // The timer keeps this process alive when every node is gone: they may be started again by hand.
  const alive = setInterval(() => undefined, 60_000)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  clearInterval(alive)
}

/** Removes a folder of this run, unless a node that was started by hand still lives in it. */
async function cleanUp({ dataDir, isTemporary }: PreparedCluster, settings: ClusterSettings): Promise<void> {
  if (!isTemporary) return
  if ((await findBusyPort(settings)) === undefined) rmSync(dataDir, { recursive: true, force: true })
  else print(`a node that was started by hand still runs: stop it where it was started; its data stays in ${dataDir}`)
}

async function main(): Promise<number> {
  const settings = readSettings()
  for (const warning of settings.warnings) complain(warning)
  const trouble = await findBusyPort(settings)
  if (trouble !== undefined) {
    complain(trouble)
    return 1
  }
  const children: Child[] = []
  const stop = stopOnSignals(children)
  const cluster = prepare(settings)
  if (cluster === undefined) return 1
  print(`starting ${settings.nodeCount === 1 ? '1 node' : `${settings.nodeCount} nodes`}; data in ${cluster.dataDir}`)
  // Whatever ends this process, it leaves no node behind.
  process.on('exit', () => {
    for (const child of children) child.kill('SIGTERM')
  })
  const sound = await run(cluster, children, stop)
  const killed = await stopChildren(children, STOP_DEADLINE_MS)
  if (killed.length > 0) complain(`had to kill ${killed.join(', ')}: no end within ${STOP_DEADLINE_MS} ms`)
  await cleanUp(cluster, settings)
  return sound ? 0 : 1
}

process.exitCode = await main()
