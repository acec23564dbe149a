/** What a node's process holds at one moment: from the system, and from the node's own metrics. */
import { readdirSync, readFileSync } from 'node:fs'
import type { FleetNode } from '../../test/chaos/fleet.ts'

export interface Sample {
  readonly atMs: number
  readonly residentMiB: number
  readonly heapMiB: number
  readonly externalMiB: number
  readonly handles: number
  readonly threads: number
  readonly logMiB: number
  readonly keys: number
  /** The 99th percentile of the event loop's delay since the sample before. */
  readonly loopDelayMs: number
}

const MIB = 1024 * 1024
const SCRAPE_TIMEOUT_MS = 5_000

async function scrape({ url }: FleetNode): Promise<(name: string) => number> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) })
  const text = await answer.text()
  return (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** @throws Error when the process is gone or does not answer */
export async function takeSample(node: FleetNode, pid: number, atMs: number): Promise<Sample> {
  const metric = await scrape(node)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return {
    atMs,
    residentMiB: field('VmRSS') / 1024,
    heapMiB: metric('nodejs_heap_size_used_bytes') / MIB,
    externalMiB: metric('nodejs_external_memory_bytes') / MIB,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
    logMiB: metric('aspen_log_bytes') / MIB,
    keys: metric('aspen_keys'),
    loopDelayMs: metric('nodejs_eventloop_lag_p99_seconds') * 1000,
  }
}
