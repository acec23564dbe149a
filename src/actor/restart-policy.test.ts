import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../lib/index.ts'
import { RestartPolicy, RESTART_SETTINGS } from './restart-policy.ts'
import type { CircuitState, RestartSettings } from './restart-policy.ts'

const MINUTE = 60_000
const { windowMs, stabilityMs, halfOpenStabilityMs, maxRestarts } = RESTART_SETTINGS
const OPEN_MS = 300_000

interface Walk {
  readonly policy: RestartPolicy
  now: number
  /** Runs for so long and fails. Waits as long as it was told to, and starts again. Returns the pause. */
  fail(uptimeMs: number): number | null
  circuit(): CircuitState
}

function walk(change: Partial<RestartSettings> = {}): Walk {
  const policy = new RestartPolicy({ ...RESTART_SETTINGS, ...change })
  policy.started(0)
  return {
    policy,
    now: 0,
    fail(uptimeMs) {
      this.now += uptimeMs
      const pause = policy.failed(this.now)
      if (pause === null) return null
      this.now += pause
      policy.started(this.now)
      return pause
    },
    circuit() {
      return policy.circuitAt(this.now)
    },
  }
}

/** One that has failed so often that it has its one try now. */
function tried(): Walk {
  const one = walk()
  for (let i = 0; i <= maxRestarts; i++) one.fail(0)
  assert.equal(one.circuit(), 'half-open')
  return one
}

describe('RestartPolicy', () => {
  test('failed: pauses grow from a second to sixteen, and no further', () => {
    const one = walk({ maxRestarts: 10 })
    const pauses = Array.from({ length: 7 }, () => one.fail(1_000))
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000])
    assert.equal(one.circuit(), 'closed')
  })

  test('failed: the fourth failure within ten minutes opens the circuit for five', () => {
    const one = walk()
    assert.deepEqual([one.fail(MINUTE), one.fail(MINUTE), one.fail(MINUTE)], [1_000, 2_000, 4_000])
    assert.equal(one.circuit(), 'closed')
    one.now += MINUTE
    assert.equal(one.policy.failed(one.now), OPEN_MS)
    assert.equal(one.policy.circuitAt(one.now), 'open')
    assert.equal(one.policy.circuitAt(one.now + OPEN_MS), 'open', 'time alone starts nothing')
  })

  test('failed: failures further apart than the window go on for ever, at the longest pause', () => {
    const one = walk()
    const pauses = Array.from({ length: 12 }, () => one.fail(stabilityMs - 1_000))
    assert.deepEqual(pauses.slice(0, 6), [1_000, 2_000, 4_000, 8_000, 16_000, 16_000])
    assert.equal(one.circuit(), 'closed')
    assert.ok(one.policy.restartsAt(one.now) <= maxRestarts)
  })

  test('failed: after an uptime of stability pauses and window are forgotten, a millisecond before they are not', () => {
    for (const [uptimeMs, pause] of [
      [stabilityMs, 1_000],
      [stabilityMs - 1, 8_000],
    ] as const) {
      const one = walk({ maxRestarts: 4 })
      for (let i = 0; i < 3; i++) one.fail(0)
      assert.equal(one.fail(uptimeMs), pause)
      assert.equal(one.policy.restartsAt(one.now), pause === 1_000 ? 1 : 4)
    }
  })

  test('started: an open circuit is half-open from then on, whoever started it, and a failure opens it again', () => {
    const one = tried()
    for (let i = 0; i < 3; i++) {
      one.now += halfOpenStabilityMs - 1
      assert.equal(one.circuit(), 'half-open')
      assert.equal(one.policy.failed(one.now), OPEN_MS)
      assert.equal(one.circuit(), 'open')
      // By hand, long before its time.
      one.policy.started(one.now)
      assert.equal(one.circuit(), 'half-open')
    }
  })

  test('startedByHand: what runs, pauses or waits behind an open circuit begins, and is no more stable for it', () => {
    const one = walk()
    one.fail(0)
    one.now += 10
    one.policy.startedByHand(one.now)
    one.now += 10
    assert.equal(one.policy.failed(one.now), 2_000)
    one.policy.startedByHand(one.now)
    assert.equal(one.policy.restartsAt(one.now), 2)
    assert.deepEqual([one.fail(0), one.policy.failed(one.now), one.circuit()], [4_000, OPEN_MS, 'open'])
    one.policy.startedByHand(one.now)
    assert.equal(one.circuit(), 'half-open')
    one.now += halfOpenStabilityMs - 1
    one.policy.startedByHand(one.now)
    one.now += halfOpenStabilityMs - 1
    assert.equal(one.circuit(), 'half-open')
    one.now += 1
    one.policy.startedByHand(one.now)
    assert.deepEqual([one.circuit(), one.fail(0)], ['closed', 1_000], 'it was stable before')
  })

  test('circuitAt: two minutes of uptime close a half-open circuit, and it begins anew', () => {
    const one = tried()
    one.now += halfOpenStabilityMs
    assert.equal(one.circuit(), 'closed')
    assert.equal(one.policy.restartsAt(one.now), 0)
    assert.deepEqual([one.fail(0), one.fail(0), one.fail(0)], [1_000, 2_000, 4_000])
    assert.equal(one.circuit(), 'closed')
  })

  test('failed: with no time for the circuit it is given up where it would open', () => {
    const one = walk({ circuitOpenMs: null })
    for (let i = 0; i < maxRestarts; i++) assert.notEqual(one.fail(0), null)
    assert.equal(one.fail(0), null)
  })

  test('failed: with no restarts allowed the first failure opens the circuit', () => {
    assert.equal(walk({ maxRestarts: 0 }).fail(0), OPEN_MS)
  })

  test('failed: what was not started cannot fail, and what runs cannot be started', () => {
    const policy = new RestartPolicy()
    assert.throws(() => policy.failed(0), /does not run/)
    policy.started(0)
    assert.throws(() => policy.started(1), /runs/)
  })

  test('failed: whatever happens, no window has more restarts than may be, and one try is one', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Prng(seed)
      const one = walk()
      let restarts: number[] = []
      for (let i = 0; i < 60; i++) {
        const uptimeMs = (random.nextUint32() % 12) * (random.nextUint32() % 2 === 0 ? 1_000 : MINUTE)
        const isTry = one.circuit() === 'half-open'
        const isStable = uptimeMs >= (isTry ? halfOpenStabilityMs : stabilityMs)
        if (isStable) restarts = []
        const pause = one.fail(uptimeMs)
        assert.ok(!isTry || isStable || pause === OPEN_MS, `seed ${seed}: a try that failed is followed by another`)
        if (pause !== OPEN_MS) restarts.push(one.now - (pause as number))
        restarts = restarts.filter((at) => one.now - at < windowMs)
        assert.ok(restarts.length <= maxRestarts, `seed ${seed}: ${restarts.length} restarts in one window`)
      }
    }
  })
})
