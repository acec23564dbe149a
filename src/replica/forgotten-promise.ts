/** What a replica still does when it has ended because its log lacks what was promised: it has the log remember so. */
import { FORGOTTEN_MARK_TIMEOUT_MS } from '../limits.ts'
import type { Clock, Logger, LogStore } from '../ports/index.ts'

export interface ForgottenParts {
  readonly log: Pick<LogStore, 'distrust'>
  readonly clock: Pick<Clock, 'setTimer'>
  readonly logger: Logger
}

/** `done` comes once, when the log is marked or cannot be: nobody waits for a disk that hangs. */
export function markForgotten({ log, clock, logger }: ForgottenParts, { message }: Error, done: () => void): void {
  let ended = false
  const end = (failure: string | null): void => {
    if (ended) return
    ended = true
    timer.cancel()
    if (failure === null)
      logger.log('fatal', 'the log is marked: the node does not start on it again; bring it back with aspen-node rejoin', {})
    else
      logger.log(
        'fatal',
        'the log could not be marked: do not start the node again on it; bring it back with aspen-node rejoin --even-if-sound',
        { error: failure },
      )
    done()
  }
  const timer = clock.setTimer(FORGOTTEN_MARK_TIMEOUT_MS, () => end(`not written within ${FORGOTTEN_MARK_TIMEOUT_MS} ms`))
  log.distrust(message, (error) => end(error?.message ?? null))
}
