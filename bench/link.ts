/** One link hop: two ends of the direct transport (TLS over TCP on loopback), each with a thread to itself. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { DirectTransport } from '../src/net/index.ts'
import { RAFT_CHANNEL } from '../src/ports/index.ts'
import { linkOptions } from './link-end.ts'
import type { FarEnd } from './link-end.ts'
import { keepInFlight, measure } from './measure.ts'
import type { Budget, Report, Round } from './measure.ts'

const MESSAGE_SIZE = 200
/** One-way messages are acknowledged by the group, and so many groups are unacknowledged at a time. */
const GROUP = 64
const GROUPS_IN_FLIGHT = 16
const OPEN_TIMEOUT_MS = 10_000

/** Sends `count` messages and waits for the one answer to the last of them. */
type Exchange = (count: number) => Promise<void>

async function connectTo(far: FarEnd): Promise<{ readonly exchange: Exchange; readonly close: () => Promise<void> }> {
  const transport = new DirectTransport(linkOptions(1))
  const waiters: PromiseWithResolvers<void>[] = []
  const opened = Promise.withResolvers<void>()
  const handler = {
    opened: () => opened.resolve(),
    claimed: () => undefined,
    closed: () => {
      for (const waiter of [opened, ...waiters.splice(0)]) waiter.reject(new Error('the link under measurement was lost'))
    },
    refused: () => opened.reject(new Error('the far end of the link refuses connections')),
    message: () => waiters.shift()?.resolve(),
  }
  const timer = setTimeout(() => opened.reject(new Error(`no link after ${OPEN_TIMEOUT_MS} ms`)), OPEN_TIMEOUT_MS)
  const channel = transport.attach(RAFT_CHANNEL, handler)
  await transport.start({ nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 })
  transport.connect({ endpointId: far.endpointId, addresses: far.addresses, relay: null })
  await opened.promise.finally(() => clearTimeout(timer))
  // The first byte tells the far end whether to answer.
  const silent = new Uint8Array(MESSAGE_SIZE)
  const asking = new Uint8Array(MESSAGE_SIZE).fill(1)
  const exchange: Exchange = (count) => {
    const answered = Promise.withResolvers<void>()
    waiters.push(answered)
    for (let i = 1; i <= count; i++) {
      const taken = channel.send(far.endpointId, [i === count ? asking : silent], 'normal')
      if (!taken) answered.reject(new Error('the link took no message'))
    }
    return answered.promise
  }
  return { exchange, close: () => transport.close() }
}

async function measureLink(exchange: Exchange, budget: Budget, report: Report): Promise<void> {
  for (const inFlight of [1, 64]) {
    const point = { benchmark: 'link', point: `${MESSAGE_SIZE} B there and back, ${inFlight} in flight`, unit: 'round trips' }
    report(await measure(budget, point, (durationMs) => keepInFlight(durationMs, inFlight, () => exchange(1))))
  }
  const point = { benchmark: 'link', point: `${MESSAGE_SIZE} B one way`, unit: 'messages' }
  const run = async (durationMs: number): Promise<Round> => {
    const { operations, elapsedMs } = await keepInFlight(durationMs, GROUPS_IN_FLIGHT, () => exchange(GROUP))
    return { operations: operations * GROUP, elapsedMs }
  }
  report(await measure(budget, point, run))
}

export async function benchmarkLink(budget: Budget, report: Report): Promise<void> {
  const worker = new Worker(new URL('./link-far-end.ts', import.meta.url))
  try {
    const [far] = (await once(worker, 'message')) as [FarEnd]
    const { exchange, close } = await connectTo(far)
    try {
      await measureLink(exchange, budget, report)
    } finally {
      await close()
    }
  } finally {
    await worker.terminate()
  }
}
