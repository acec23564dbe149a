/** What a real node checks of a request before it takes it on, and of a result before it answers. */
import { AspenError, toCommand } from '../api/index.ts'
import type { WriteCommand, WriteOptions, WriteResult } from '../api/index.ts'
import { MAX_COMMAND_SIZE, MAX_RESULT_BYTES } from '../limits.ts'
import { encodeEnvelope } from '../wire/index.ts'
import { foundBytes } from './in-memory-sessions.ts'

/**
 * What a real node would write to its log: checked, of a known size, and nothing that its caller can still change.
 * @throws AspenError as the node would refuse it
 */
export function encodeWrite(write: WriteCommand, { origin }: WriteOptions): Uint8Array {
  const envelope = encodeEnvelope({ origin: origin ?? null, command: toCommand(write) })
  if (envelope.length <= MAX_COMMAND_SIZE) return envelope
  const details = { size: envelope.length, limit: MAX_COMMAND_SIZE }
  throw new AspenError(
    'COMMAND_TOO_LARGE',
    `the command has ${envelope.length} bytes; at most ${MAX_COMMAND_SIZE} are allowed`,
    details,
  )
}

/** What a transaction found may be more than an answer holds. @throws AspenError RESULT_TOO_LARGE: it took effect */
export function checkResult(result: WriteResult): void {
  if (foundBytes(result) <= MAX_RESULT_BYTES) return
  const { logId, txn } = result
  throw new AspenError(
    'RESULT_TOO_LARGE',
    `the transaction took effect as entry ${logId.index}, but what it found has more than ${MAX_RESULT_BYTES} bytes: read the keys one by one`,
    { log_id: logId, succeeded: txn?.succeeded },
  )
}
