/**
 * HealthMonitorActor: asks the RaftActor now and then whether it is well. One that lets three questions in a row pass, and does nothing else
 * either, is restarted. One that is merely busy, as its turns show, is not ill; and while the whole process stood still, nobody could answer.
 */
import { defineActor } from '../../actor/index.ts'
import type { ActorContext } from '../../actor/index.ts'
import { HEALTH_CHECK_INTERVAL_MS, HEALTH_CHECK_TIMEOUT_MS, MAX_HEALTH_RETRIES } from '../../limits.ts'

/** Who is asked. */
export interface Patient {
  /** Has `answered` called in its turn; false when it takes no question. */
  ask(answered: () => void): boolean
  /** Moves while it does anything; null while it has no life, and its supervisor sees to it. */
  readonly turns: number | null
  /** Ends its life as a failure. */
  fail(error: Error): void
}

/** What became of a question. */
export type CheckOutcome = 'answered' | 'busy' | 'missed' | 'stalled' | 'down'

export interface MonitorStatus {
  readonly checks: number
  readonly missedInARow: number
  /** Null before the first question. */
  readonly last: CheckOutcome | null
  /** From a question to its answer, in milliseconds; of the last that was answered. */
  readonly latencyMs: number | null
}

export interface HealthMonitorMessages {
  /** Asks now, beside the questions that are asked now and then. */
  CheckHealth(): void
  GetStatus(): MonitorStatus
}

export const healthMonitorActor = defineActor<HealthMonitorMessages, Patient>({
  start: (context, patient) => {
    const monitor = new Monitor(context, patient)
    monitor.askLater()
    return monitor
  },
})

class Monitor implements HealthMonitorMessages {
  readonly #context: ActorContext
  readonly #patient: Patient
  #asking = false
  #checks = 0
  #missed = 0
  #last: CheckOutcome | null = null
  #latencyMs: number | null = null

  constructor(context: ActorContext, patient: Patient) {
    this.#context = context
    this.#patient = patient
  }

  CheckHealth(): void {
    if (!this.#asking) this.#ask()
  }

  GetStatus(): MonitorStatus {
    return { checks: this.#checks, missedInARow: this.#missed, last: this.#last, latencyMs: this.#latencyMs }
  }

  askLater(): void {
    this.#context.after(HEALTH_CHECK_INTERVAL_MS, () => {
      this.CheckHealth()
      this.askLater()
    })
  }

  #ask(): void {
    const { turns } = this.#patient
    this.#checks++
    if (turns === null) return this.#note('down')
    const askedAt = this.#context.now()
    this.#asking = true
    let isAnswered = false
    this.#patient.ask(() => {
      if (isAnswered) return
      isAnswered = true
      this.#latencyMs = this.#context.now() - askedAt
    })
    this.#context.after(HEALTH_CHECK_TIMEOUT_MS, () => {
      this.#asking = false
      this.#note(isAnswered ? 'answered' : this.#unanswered(turns, this.#context.now() - askedAt))
    })
  }

  #unanswered(turns: number, waitedMs: number): CheckOutcome {
    const now = this.#patient.turns
    if (now === null) return 'down'
    if (now !== turns) return 'busy'
    // Its timer came late as well.
    return waitedMs >= 2 * HEALTH_CHECK_TIMEOUT_MS ? 'stalled' : 'missed'
  }

  #note(outcome: CheckOutcome): void {
    this.#last = outcome
    // What was stalled has told nothing.
    if (outcome === 'stalled') return
    this.#missed = outcome === 'missed' ? this.#missed + 1 : 0
    if (this.#missed < MAX_HEALTH_RETRIES) return
    this.#missed = 0
    this.#patient.fail(
      new Error(`${MAX_HEALTH_RETRIES} health checks in a row were not answered within ${HEALTH_CHECK_TIMEOUT_MS} ms`),
    )
  }
}
