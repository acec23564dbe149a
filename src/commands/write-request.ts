/** What a node checks of a write before it takes it on, and of its result before it answers: wherever it comes in. */
import { AspenError } from '../api/index.ts'
import type { WriteCommand, WriteOptions, WriteResult } from '../api/index.ts'
import { WireError } from '../lib/index.ts'
import { MAX_COMMAND_SIZE, MAX_RESULT_BYTES } from '../limits.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts'
import type { Envelope } from './command.ts'
import { LaterVersion } from './later-version.ts'
import type { Language } from './language.ts'
import { foundBytes } from './result-codec.ts'
import { toCommand } from './spelling.ts'
import { LANGUAGE } from './version-1.ts'

/**
 * The envelope of a write: checked, of a known size, and nothing that its caller can still change. The options are those that
 * `checkOptions` has passed.
 * @throws AspenError as a node refuses it
 */
export function encodeWrite(write: WriteCommand, options: WriteOptions, language: Language = LANGUAGE): Uint8Array {
  const { origin = null, revision = false } = options
  const command = toCommand(write, language)
  try {
    return checkSize(encodeEnvelope({ origin, command, wantsRevision: revision }, language))
  } catch (error) {
    throw error instanceof WireError ? new AspenError('INVALID_REQUEST', error.message) : error
  }
}

/**
 * An envelope that others have written, read: nothing is proposed that does not decode again where it is proposed.
 * @throws AspenError COMMAND_TOO_LARGE, INVALID_REQUEST, CLUSTER_VERSION
 */
export function readEnvelope(bytes: Uint8Array, language: Language = LANGUAGE): Envelope {
  checkSize(bytes)
  try {
    return decodeEnvelope(bytes, language)
  } catch (error) {
    if (error instanceof LaterVersion) throw tooNew(error)
    throw error instanceof WireError ? new AspenError('INVALID_REQUEST', error.message) : error
  }
}

/** What a transaction found may be more than an answer holds: then this says that it took effect. */
export function checkFound(result: WriteResult, language: Language = LANGUAGE): AspenError | undefined {
  if (result.txn === undefined || foundBytes(result, language) <= MAX_RESULT_BYTES) return undefined
  return resultTooLarge(result, `what it found has more than ${MAX_RESULT_BYTES} bytes`)
}

/** A write took effect and its answer cannot be given. */
export function resultTooLarge({ logId, revision, txn }: WriteResult, why: string): AspenError {
  return new AspenError(
    'RESULT_TOO_LARGE',
    `the transaction took effect as entry ${logId.index}, but ${why}: read the keys one by one`,
    {
      log_id: logId,
      ...(revision === undefined ? {} : { revision }),
      succeeded: txn?.succeeded,
    },
  )
}

function tooNew({ message, needs }: LaterVersion): AspenError {
  return new AspenError('CLUSTER_VERSION', `${message}; it was not applied`, { needs })
}

function checkSize(envelope: Uint8Array): Uint8Array {
  if (envelope.length <= MAX_COMMAND_SIZE) return envelope
  throw new AspenError('COMMAND_TOO_LARGE', `the command has ${envelope.length} bytes; at most ${MAX_COMMAND_SIZE} are allowed`, {
    size: envelope.length,
    limit: MAX_COMMAND_SIZE,
  })
}
