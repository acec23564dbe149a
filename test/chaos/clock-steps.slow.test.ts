import assert from 'node:assert/strict'
import { globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from './fleet.ts'
import type { FleetNode } from './fleet.ts'
import { lengthMs, longestGap } from './gaps.ts'
import { RetryingClients } from './retrying-clients.ts'
import { assertKept, assertSameState } from './same-state.ts'

const DAY_MS = 86_400_000
/** Days between the machine's clock and the nodes' clocks, one after the other. */
const STEPS_DAYS = [1, 0, -1, 1, -1, 0]
/** Longer than the longest election timeout: a clock that counted would have started one. */
const AFTER_STEP_MS = 4_000
const CLIENTS = 16
const SETTLE_TIMEOUT_MS = 30_000
const STEP_TIMEOUT_MS = 5_000
const TOLERANCE_MS = 60_000
const POLL_MS = 20

/**
 * The wall clock of the nodes, and of nobody else: libfaketime answers them in the kernel's place, out of a file that it
 * reads at every question. The monotonic clock stays the kernel's, as it does when an operator sets the time.
 */
class WallClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'aspen-clock-'))
  readonly #file = join(this.#folder, 'offset')
  readonly #library: string

  constructor(library: string) {
    this.#library = library
    this.step(0)
  }

  /** For every process started while `run` runs. */
  async governing<T>(run: () => Promise<T>): Promise<T> {
    const settings = {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    }
    Object.assign(process.env, settings)
    try {
      return await run()
    } finally {
      for (const name of Object.keys(settings)) delete process.env[name]
    }
  }

  /** Sets the clocks, all of them at the same moment, this many days off. */
  step(days: number): void {
    const next = `${this.#file}.next`
    writeFileSync(next, `${days < 0 ? '-' : '+'}${Math.abs(days)}d\n`)
    renameSync(next, this.#file)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

interface Led {
  readonly term: number
  readonly leader: number | null
  readonly elections: number
}

async function ledBy({ url }: FleetNode): Promise<Led> {
  const { body } = await request('GET', `${url}/raft-metrics`)
  const { term, leader, elections_started } = body as Led & { readonly elections_started: number }
  return { term, leader, elections: elections_started }
}

/** What a node's own clock says, as its answers carry it. */
async function clockOf({ url }: FleetNode): Promise<number> {
  const response = await fetch(`${url}/health`)
  await response.text()
  return Date.parse(response.headers.get('date') ?? '')
}

/** Waits until every node dates its answers as it should now: the step has reached it. */
async function seenByAll(fleet: Fleet, days: number): Promise<void> {
  const end = performance.now() + STEP_TIMEOUT_MS
  for (const node of fleet.nodes) {
    for (;;) {
      const aheadMs = (await clockOf(node)) - Date.now()
      if (Math.abs(aheadMs - days * DAY_MS) < TOLERANCE_MS) break
      assert.ok(performance.now() < end, `the clock of node ${node.id} is ${aheadMs} ms ahead, not ${days} days`)
      await delay(POLL_MS)
    }
  }
}

async function stepClocks(fleet: Fleet, clock: WallClock): Promise<void> {
  const before = await Promise.all(fleet.nodes.map((node) => ledBy(node)))
  for (const days of STEPS_DAYS) {
    clock.step(days)
    await seenByAll(fleet, days)
    await delay(AFTER_STEP_MS)
    const now = await Promise.all(fleet.nodes.map((node) => ledBy(node)))
    assert.deepEqual(now, before, `term, leader or elections changed when the clocks were set ${days} days off`)
  }
}

test(
  'clocks set a day forward and back on running nodes: no election, no failed request, no lost write',
  { timeout: 120_000 },
  async (context) => {
    const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1')
    if (library === undefined) {
      context.skip('nobody can set the clock of single processes on this machine: install libfaketime')
      return
    }
    const clock = new WallClock(library)
    const fleet = await clock
      .governing(() => Fleet.start(3))
      .catch((error: unknown) => {
        clock.remove()
        throw error
      })
    const urls = fleet.nodes.map(({ url }) => url)
    const clients = new RetryingClients({ urls, clients: CLIENTS, distinctKeys: true, readBack: true })
    try {
      assert.ok((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) !== undefined, 'no leader that all nodes know')
      clients.start()
      const since = performance.now()
      await stepClocks(fleet, clock)
      const until = performance.now()
      await clients.stop()
      assert.deepEqual(clients.failures, [])
      assertKept(await assertSameState(fleet.nodes), clients.values)
      const gapMs = lengthMs(longestGap(clients.acknowledged, since, until))
      console.log(
        `${STEPS_DAYS.length} steps of the wall clock under ${clients.values.size} writes: longest gap ${gapMs.toFixed(0)} ms`,
      )
    } finally {
      await clients.stop()
      await fleet.stop()
      clock.remove()
    }
  },
)
