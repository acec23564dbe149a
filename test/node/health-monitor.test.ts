import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stage } from '../actor/stage.ts'
import type { ActorRef } from '../../src/actor/index.ts'
import { HEALTH_CHECK_INTERVAL_MS, HEALTH_CHECK_TIMEOUT_MS } from '../../src/limits.ts'
import { healthMonitorActor } from '../../src/node/actors/health-monitor-actor.ts'
import type { HealthMonitorMessages, MonitorStatus, Patient } from '../../src/node/actors/health-monitor-actor.ts'

/** Stands where the RaftActor does. */
class HandPatient implements Patient {
  turns: number | null = 0
  readonly failures: string[] = []
  /** What it does with a question. */
  onAsk: (answered: () => void) => boolean = (answered) => {
    answered()
    return true
  }

  ask(answered: () => void): boolean {
    return this.onAsk(answered)
  }

  fail(error: Error): void {
    this.failures.push(error.message)
  }
}

function bench(): {
  stage: Stage
  patient: HandPatient
  monitor: ActorRef<HealthMonitorMessages>
  look: () => Promise<MonitorStatus>
} {
  const stage = new Stage()
  const patient = new HandPatient()
  const monitor = stage.system.spawn(healthMonitorActor, { argument: patient })
  const look = async (): Promise<MonitorStatus> => {
    const status = monitor.call('GetStatus')
    await stage.rest()
    return status
  }
  return { stage, patient, monitor, look }
}

/** One question, and what it is given for an answer. */
async function check(stage: Stage, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    await stage.pass(HEALTH_CHECK_INTERVAL_MS - HEALTH_CHECK_TIMEOUT_MS)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
  }
}

const silent = (): boolean => true

describe('HealthMonitorActor', () => {
  test('asks every 5 s, and is content with an answer', async () => {
    const { stage, patient, look } = bench()
    await stage.rest()
    assert.deepEqual(await look(), { checks: 0, missedInARow: 0, last: null, latencyMs: null })
    await check(stage, 10)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    const { checks, last, latencyMs } = await look()
    assert.deepEqual([checks, last, latencyMs, patient.failures], [10, 'answered', 0, []])
  })

  test('three questions in a row that nobody answers, and nothing else done, are a failure; two are none', async () => {
    const { stage, patient, look } = bench()
    patient.onAsk = silent
    await check(stage, 2)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    assert.deepEqual([(await look()).missedInARow, patient.failures], [2, []])
    patient.onAsk = (answered) => {
      answered()
      return true
    }
    await check(stage)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    assert.equal((await look()).missedInARow, 0)
    patient.onAsk = silent
    await check(stage, 3)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    assert.equal(patient.failures.length, 1)
    assert.match(patient.failures[0] ?? '', /^3 health checks in a row were not answered within 25 ms$/)
    await check(stage, 2)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    assert.equal(patient.failures.length, 1, 'it is counted anew')
  })

  test('one that is busy is not ill, whether or not it took the question', async () => {
    const { stage, patient, look } = bench()
    patient.onAsk = () => {
      const { turns } = patient
      stage.clock.setTimer(1, () => (patient.turns = (turns ?? 0) + 1))
      return false
    }
    await check(stage, 10)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    const { last, missedInARow } = await look()
    assert.deepEqual([last, missedInARow, patient.failures], ['busy', 0, []])
  })

  test('while everything stood still nobody could answer: that neither counts nor excuses', async () => {
    const { stage, patient, look } = bench()
    patient.onAsk = silent
    await check(stage, 2)
    await stage.pass(HEALTH_CHECK_INTERVAL_MS)
    // The timer of the third question fires late.
    stage.clock.stall(400)
    await stage.rest()
    const { last, missedInARow } = await look()
    assert.deepEqual([last, missedInARow, patient.failures], ['stalled', 2, []])
    await check(stage)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    assert.equal(patient.failures.length, 1)
  })

  test('one without a life is its supervisor’s business', async () => {
    const { stage, patient, look } = bench()
    patient.turns = null
    await check(stage, 10)
    assert.deepEqual([(await look()).last, patient.failures], ['down', []])
    patient.turns = 0
    patient.onAsk = () => {
      patient.turns = null
      return true
    }
    await check(stage, 5)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    assert.deepEqual([(await look()).last, patient.failures], ['down', []])
  })

  test('CheckHealth: asks at once, and not twice at a time; a late answer is no answer', async () => {
    const { stage, patient, monitor, look } = bench()
    const asked: (() => void)[] = []
    patient.onAsk = (answered) => {
      asked.push(answered)
      return true
    }
    monitor.cast('CheckHealth')
    monitor.cast('CheckHealth')
    await stage.rest()
    assert.equal(asked.length, 1)
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    asked[0]?.()
    assert.deepEqual([(await look()).last, (await look()).checks], ['missed', 1])
    monitor.cast('CheckHealth')
    await stage.pass(3)
    asked[1]?.()
    asked[1]?.()
    await stage.pass(HEALTH_CHECK_TIMEOUT_MS)
    const { last, latencyMs } = await look()
    assert.deepEqual([last, latencyMs], ['answered', 3])
  })
})
