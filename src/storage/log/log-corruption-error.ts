import type { ClassifiedError } from '../../ports/index.ts'
import { REJOIN_ADVICE } from '../../api/index.ts'

const ADVICE = `Nothing was changed. ${REJOIN_ADVICE}. Or restore a copy of the data directory that was made after this node last stopped, and not while it ran. If the disk is failing, replace it first`

/** The log on disk is not what was written: the node must not start, because it may have forgotten what it promised. */
export class LogCorruptionError extends Error implements ClassifiedError {
  override readonly name = 'LogCorruptionError'
  readonly faultKind = 'state'
  readonly file: string
  /** Byte position in the file. */
  readonly offset: number
  readonly reason: string

  constructor(file: string, offset: number, reason: string) {
    super(`the log is damaged: ${file} at byte ${offset}: ${reason}. ${ADVICE}`)
    this.file = file
    this.offset = offset
    this.reason = reason
  }
}
