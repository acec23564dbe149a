import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LANGUAGE } from '../../src/commands/index.ts'
import { STATE_BUSY_OPENING_MS, STATE_BUSY_WARNING_MS } from '../../src/limits.ts'
import { StateBusy } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'
import type { RaftStores } from '../../src/node/node-ports.ts'
import { openUnheld } from '../../src/node/open-unheld.ts'

const FILE = '/data/state/state-1.db'
const STORES = {} as RaftStores

/** An opening that finds the state held for so long, in virtual milliseconds. */
class Opening {
  readonly clock = new ManualClock()
  readonly lines: [level: string, message: string, facts: Record<string, unknown>][] = []
  readonly replies: [error: Error | undefined, stores: RaftStores | undefined][] = []
  attempts = 0

  constructor(open: (now: number) => RaftStores) {
    const { clock } = this
    const openStores = (): RaftStores => {
      this.attempts++
      return open(clock.now())
    }
    const logger = {
      log: (...[level, message, facts = {}]: [string, string, Record<string, unknown>?]) =>
        void this.lines.push([level, message, facts]),
    }
    openUnheld({ clock, logger, openStores }, LANGUAGE, (error, stores) => this.replies.push([error, stores]))
  }
}

const heldUntil = (end: number) => (now: number) => {
  if (now < end) throw new StateBusy(FILE)
  return STORES
}

test('openUnheld: opens at once what nobody holds, and says nothing', () => {
  const { replies, attempts, lines } = new Opening(heldUntil(0))
  assert.deepEqual([replies, attempts, lines], [[[undefined, STORES]], 1, []])
})

test('openUnheld: waits by timers for whoever holds the state, and says it after a second', () => {
  const opening = new Opening(heldUntil(15_000))
  assert.deepEqual([opening.replies.length, opening.attempts], [0, 1], 'the thread is free again')
  opening.clock.advance(STATE_BUSY_WARNING_MS - 1)
  assert.equal(opening.lines.length, 0)
  opening.clock.advance(13_000)
  assert.equal(opening.lines.length, 1)
  const [level, message, { file, deadlineMs }] = opening.lines[0] as (typeof opening.lines)[0]
  assert.deepEqual([level, file, deadlineMs], ['warn', FILE, STATE_BUSY_OPENING_MS])
  assert.match(message, /another process holds a lock on the state/)
  assert.equal(opening.replies.length, 0)
  opening.clock.advance(2_000)
  assert.deepEqual(opening.replies, [[undefined, STORES]])
  assert.deepEqual(opening.lines[1]?.slice(0, 2), ['info', 'the state is no longer held by another process'])
  const { attempts } = opening
  assert.ok(attempts < 200, `${attempts} attempts in 15 s`)
  opening.clock.advance(STATE_BUSY_OPENING_MS)
  assert.deepEqual([opening.attempts, opening.replies.length, opening.lines.length], [attempts, 1, 2], 'it is over')
})

test('openUnheld: ends after the documented wait, naming the file and what to do', () => {
  const opening = new Opening(heldUntil(Infinity))
  opening.clock.advance(STATE_BUSY_OPENING_MS - 1)
  assert.equal(opening.replies.length, 0)
  opening.clock.advance(200)
  const [error] = opening.replies[0] as (typeof opening.replies)[0]
  assert.match(
    String(error?.message),
    /^another process has held a lock on \/data\/state\/state-1\.db for 60 s: end that process/,
  )
  opening.clock.advance(STATE_BUSY_OPENING_MS)
  assert.equal(opening.replies.length, 1)
})

test('openUnheld: passes on whatever else goes wrong, also after it has waited', () => {
  const opening = new Opening((now) => {
    if (now < 50) throw new StateBusy(FILE)
    throw new Error('damaged')
  })
  opening.clock.advance(500)
  assert.deepEqual(
    opening.replies.map(([error]) => error?.message),
    ['damaged'],
  )
})
