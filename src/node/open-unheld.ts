import type { Language } from '../commands/index.ts'
import { MAX_STATE_BUSY_RETRY_MS, STATE_BUSY_OPENING_MS, STATE_BUSY_RETRY_MS, STATE_BUSY_WARNING_MS } from '../limits.ts'
import { StateBusy } from '../ports/index.ts'
import type { Reply } from '../replica/index.ts'
import type { NodePorts, RaftStores } from './node-ports.ts'

type OpeningPorts = Pick<NodePorts, 'clock' | 'logger' | 'openStores'>

/**
 * Opens the stores. While another process holds the state's database it is tried again by a timer, so that signals are heard and
 * whatever else lives in this process goes on; after a second the log says what is waited for.
 */
export function openUnheld(ports: OpeningPorts, language: Language, reply: Reply<RaftStores>): void {
  const { clock, logger } = ports
  const since = clock.now()
  let delayMs = STATE_BUSY_RETRY_MS
  let warned = false
  const attempt = (): void => {
    let stores: RaftStores
    try {
      stores = ports.openStores(language)
    } catch (error) {
      const ms = clock.now() - since
      if (!(error instanceof StateBusy)) return reply(error as Error)
      if (ms >= STATE_BUSY_OPENING_MS) return reply(stillHeld(error))
      if (!warned && ms >= STATE_BUSY_WARNING_MS) {
        warned = true
        const words = 'another process holds a lock on the state: the node opens it once it lets go'
        logger.log('warn', words, { file: error.file, ms, deadlineMs: STATE_BUSY_OPENING_MS })
      }
      clock.setTimer(delayMs, attempt)
      delayMs = Math.min(2 * delayMs, MAX_STATE_BUSY_RETRY_MS)
      return
    }
    if (warned) logger.log('info', 'the state is no longer held by another process', { ms: clock.now() - since })
    reply(undefined, stores)
  }
  attempt()
}

function stillHeld(error: StateBusy): Error {
  const seconds = STATE_BUSY_OPENING_MS / 1_000
  return new Error(
    `another process has held a lock on ${error.file} for ${seconds} s: end that process, a backup or a shell of SQLite, and start the node again`,
    { cause: error },
  )
}
