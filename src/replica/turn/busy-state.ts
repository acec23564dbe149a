import { MAX_STATE_BUSY_RETRY_MS, STATE_BUSY_RETRY_MS, STATE_BUSY_WARNING_MS } from '../../limits.ts'
import type { StateBusy, Timer } from '../../ports/index.ts'
import type { TurnContext } from './turn-context.ts'

/** When to try again while another process holds the state: by a timer, so that everything but applying goes on. */
export class BusyState {
  readonly #context: TurnContext<'guard', never>
  #timer: Timer | null = null
  #since: number | null = null
  #delayMs = STATE_BUSY_RETRY_MS
  #warned = false

  constructor(context: TurnContext<'guard', never>) {
    this.#context = context
  }

  /** The state was found held: `run` follows soon, unless it ends before that. */
  retry(error: StateBusy, run: () => void): void {
    const { clock, logger, loop } = this.#context
    this.#since ??= clock.now()
    const heldMs = clock.now() - this.#since
    if (!this.#warned && heldMs >= STATE_BUSY_WARNING_MS) {
      this.#warned = true
      logger.log('warn', 'the state is held by another process; nothing is applied', { error: error.message, ms: heldMs })
    }
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(2 * delayMs, MAX_STATE_BUSY_RETRY_MS)
    this.#timer = clock.setTimer(delayMs, () =>
      loop.guard(() => {
        this.#timer = null
        run()
      }),
    )
  }

  /** It is not held any more. */
  ended(): void {
    if (this.#since === null) return
    const { clock, logger } = this.#context
    if (this.#warned) logger.log('info', 'the state is no longer held by another process', { ms: clock.now() - this.#since })
    this.cancel()
  }

  /** Nobody wants it now. */
  cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#since = null
    this.#delayMs = STATE_BUSY_RETRY_MS
    this.#warned = false
  }
}
