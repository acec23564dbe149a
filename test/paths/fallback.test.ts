import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../manual-clock.ts'
import { noMetrics } from '../../src/ports/index.ts'
import { LinkReports } from '../../src/net/link/index.ts'
import type { Carrier } from '../../src/net/link/index.ts'
import { Fallback } from '../../src/net/paths/fallback.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('Fallback: is started once however often it is needed, says once that it cannot be, and is tried again after a minute', async () => {
  const clock = new ManualClock()
  const [lines, starts]: [string[], PromiseWithResolvers<void>[]] = [[], []]
  const reports = new LinkReports({ log: (level, message) => void lines.push(`${level} ${message}`) }, noMetrics)
  const start = (): Promise<void> => {
    const one = Promise.withResolvers<void>()
    starts.push(one)
    return one.promise
  }
  let started = 0
  const fallback = new Fallback({ name: 'iroh' } as Carrier, clock, reports, start, () => started++)
  for (let i = 0; i < 3; i++) fallback.need()
  assert.equal(starts.length, 1)
  starts[0]?.reject(new Error('not installed'))
  await settle()
  fallback.need()
  assert.deepEqual([starts.length, started, fallback.isStarted], [1, 0, false])
  assert.deepEqual(lines, ['warn this node goes on without iroh'])
  clock.advance(60_000)
  fallback.need()
  starts[1]?.resolve()
  await settle()
  fallback.need()
  assert.deepEqual([starts.length, started, fallback.isStarted], [2, 1, true])
})
