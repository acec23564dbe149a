import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Prng, chance, pick, randomBetween } from '../../src/lib/index.ts'
import { checkLinearizable } from '../linearizability/index.ts'
import { Fleet } from './fleet.ts'
import { lengthMs, longestGapOutside } from './gaps.ts'
import type { Gap } from './gaps.ts'
import { Load } from './load.ts'
import { assertSameState } from './same-state.ts'

const DURATION_MS = Number(process.env['ASPEN_CHAOS_SECONDS'] ?? 600) * 1_000
const SEED = Number(process.env['ASPEN_CHAOS_SEED'] ?? 1)
/** To form the cluster, to settle at the end, and to judge what was seen. */
const AROUND_MS = 180_000
const NODES = 5
const MAJORITY = 3
const CLIENTS = 16
const KEYS = 20
const SETTLE_TIMEOUT_MS = 30_000
const MAX_AWAY_MS = 2_000
const MAX_BETWEEN_KILLS_MS = 200
/** Longer than an election takes: a majority can go on before the last is back. */
const MAX_BETWEEN_STARTS_MS = 4_000
const MIN_OPERATIONS_A_SECOND = 10

interface Kills {
  rounds: number
  nodes: number
  /** When fewer than a majority ran, until a leader was known again. */
  readonly outages: Gap[]
}

function shuffled(random: Prng, ids: readonly number[]): number[] {
  const left = [...ids]
  return ids.map(() => left.splice(randomBetween(random, 0, left.length - 1), 1)[0] as number)
}

/** How many die together: mostly one, often two, and sometimes too many for the others to go on. */
function howMany(random: Prng): number {
  if (chance(random, 0.5)) return 1
  return chance(random, 0.6) ? 2 : pick(random, [3, 4, NODES, NODES])
}

/** Half of the time nothing, else a while. */
async function maybeWait(random: Prng, maxMs: number): Promise<void> {
  if (chance(random, 0.5)) await delay(randomBetween(random, 0, maxMs))
}

/**
 * Nodes die at the same moment, or one after the other: then those that are left must notice that they are too few, and
 * acknowledge nothing that only they hold.
 */
async function killAll(fleet: Fleet, random: Prng, victims: readonly number[]): Promise<void> {
  if (chance(random, 0.5)) {
    await Promise.all(victims.map((id) => fleet.kill(id)))
    return
  }
  for (const id of victims) {
    await fleet.kill(id)
    await maybeWait(random, MAX_BETWEEN_KILLS_MS)
  }
}

/** One round: some nodes die, stay away for a while, and come back; those that went first come first. */
async function killSome(fleet: Fleet, random: Prng, kills: Kills): Promise<void> {
  const victims = shuffled(
    random,
    fleet.nodes.map(({ id }) => id),
  ).slice(0, howMany(random))
  const from = performance.now()
  await killAll(fleet, random, victims)
  kills.rounds++
  kills.nodes += victims.length
  await delay(randomBetween(random, 0, MAX_AWAY_MS))
  for (const id of victims) {
    fleet.run(id)
    await maybeWait(random, MAX_BETWEEN_STARTS_MS)
  }
  const outage = victims.length > NODES - MAJORITY
  // The next round may come before this one is over: that is a bad day, too.
  if (!outage && chance(random, 0.3)) return
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  assert.ok(leader !== undefined, `no leader that all nodes know ${SETTLE_TIMEOUT_MS} ms after round ${kills.rounds}`)
  if (outage) kills.outages.push({ from, to: performance.now() })
}

async function killForAWhile(fleet: Fleet): Promise<Kills> {
  const random = new Prng(SEED)
  const kills: Kills = { rounds: 0, nodes: 0, outages: [] }
  for (const until = performance.now() + DURATION_MS; performance.now() < until;) {
    await delay(randomBetween(random, 200, 3_000))
    await killSome(fleet, random, kills)
  }
  return kills
}

/** The last reads of the history. A node that has ended by itself says why before a read of it is missed. */
async function readEverything(fleet: Fleet, load: Load, keys: readonly string[]): Promise<void> {
  for (const { id, url } of fleet.nodes) {
    for (const key of keys) {
      const served = await load.read(1_000 + id, url, key)
      fleet.assertRunning()
      assert.ok(served, `node ${id} does not serve ${key}`)
    }
  }
}

function report({ history, counts, acknowledged, longestGapMs }: Load, kills: Kills): void {
  const { ok, failed, unknown } = counts
  console.log(`seed ${SEED}: ${kills.nodes} nodes killed in ${kills.rounds} rounds, ${kills.outages.length} of them a majority`)
  console.log(`${history.length} operations: ${ok} succeeded, ${failed} failed, ${unknown} of unknown outcome`)
  const alive = longestGapOutside(acknowledged, acknowledged[0] ?? 0, acknowledged.at(-1) ?? 0, kills.outages)
  console.log(
    `longest gap between acknowledged writes: ${longestGapMs.toFixed(0)} ms, with a majority up ${lengthMs(alive).toFixed(0)} ms`,
  )
}

function judge(load: Load): void {
  const started = performance.now()
  const verdict = checkLinearizable(load.history)
  console.log(`judged in ${(performance.now() - started).toFixed(0)} ms`)
  assert.ok(verdict.ok, verdict.ok ? '' : verdict.report)
}

test(
  'a cluster of five: loses nothing and stays linearizable while any of its nodes, often several at once, are killed at random under contended load',
  { timeout: DURATION_MS + AROUND_MS },
  async () => {
    const fleet = await Fleet.start(NODES)
    try {
      const keys = Array.from({ length: KEYS }, (_, i) => `key-${i}`)
      const load = new Load({ urls: fleet.nodes.map(({ url }) => url), clients: CLIENTS, keys, seed: SEED })
      load.start()
      const kills = await killForAWhile(fleet)
      assert.ok((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) !== undefined, 'the cluster does not recover from the last kill')
      await load.stop()
      report(load, kills)
      await readEverything(fleet, load, keys)
      const state = await assertSameState(fleet.nodes)
      assert.ok(state.size > 0, 'nothing is left of all that was written')
      assert.ok(load.counts.ok > (DURATION_MS / 1_000) * MIN_OPERATIONS_A_SECOND, `only ${load.counts.ok} operations succeeded`)
      judge(load)
    } finally {
      await fleet.stop()
    }
  },
)
