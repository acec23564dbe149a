/**
 * What a node costs that does nothing: `node bench/at-rest.ts`, in about two minutes. Three durable nodes as processes
 * make a cluster; one of them is stopped and started again ten times over its data, and then all rest.
 *
 * Resident memory is what the system counts (VmRSS). Most of a Node.js process are pages of the program file, which
 * all nodes of a machine share, so the part that belongs to the one process (RssAnon) stands beside it.
 */
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Fleet } from '../test/chaos/fleet.ts'
import type { FleetNode } from '../test/chaos/fleet.ts'
import { describeMachine } from './machine.ts'
import { median } from './measure.ts'

const NODES = 3
const STARTS = 10
const REST_MS = 30_000
const POLL_MS = 2
const START_TIMEOUT_MS = 30_000
const SETTLE_TIMEOUT_MS = 30_000

/** Whether the node answers; a connection of its own each time, for there is nobody to keep one to. */
async function isHealthy({ url }: FleetNode): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const request = get(`${url}/health`, { agent: false }, (answer) => {
    answer.resume().on('end', () => resolve(answer.statusCode === 200))
  })
  request.on('error', () => resolve(false))
  return promise
}

/** Milliseconds from the start of the process to its first healthy answer. */
async function timeStart(fleet: Fleet, node: FleetNode): Promise<number> {
  await fleet.end(node.id, 'SIGTERM')
  const started = performance.now()
  fleet.run(node.id)
  while (!(await isHealthy(node))) {
    if (performance.now() - started > START_TIMEOUT_MS)
      throw new Error(`node ${node.id} does not answer: ${fleet.output(node.id)}`)
    await delay(POLL_MS)
  }
  return performance.now() - started
}

function memoryMiB(pid: number): { readonly resident: number; readonly own: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { resident: field('VmRSS'), own: field('RssAnon') }
}

function printStarts(startsMs: readonly number[]): void {
  const sorted = startsMs.toSorted((a, b) => a - b).map((ms) => ms.toFixed(0))
  console.log(`start to first /health: median ${median(startsMs).toFixed(0)} ms of ${STARTS} (${sorted.join(' ')})`)
}

function printMemory(fleet: Fleet, leader: number | undefined): void {
  const memory = fleet.nodes.map(({ id }) => ({ id, ...memoryMiB(fleet.pid(id)) }))
  for (const { id, resident, own } of memory) {
    const role = id === leader ? 'leader' : 'follower'
    console.log(`node ${id} (${role}): ${resident.toFixed(0)} MiB resident, ${own.toFixed(0)} MiB of it its own`)
  }
  console.log(
    `resident after ${REST_MS / 1000} s of rest: median ${median(memory.map(({ resident }) => resident)).toFixed(0)} MiB`,
  )
}

if (import.meta.main) {
  if (process.platform !== 'linux') throw new Error('at-rest reads /proc, which only Linux has')
  console.log(describeMachine())
  const fleet = await Fleet.start(NODES)
  try {
    const startsMs: number[] = []
    const restarted = fleet.nodes[0] as FleetNode
    for (let i = 0; i < STARTS; i++) startsMs.push(await timeStart(fleet, restarted))
    printStarts(startsMs)
    const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
    await delay(REST_MS)
    printMemory(fleet, leader)
  } finally {
    await fleet.stop()
  }
}
