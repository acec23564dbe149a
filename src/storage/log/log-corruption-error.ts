const ADVICE =
  'Nothing was changed. If the disk is failing, replace it. Restore this node from a copy of its data directory that is not older ' +
  'than its last start, or remove the node from the cluster, delete its data directory and add it again as a new learner'

/** The log on disk is not what was written: the node must not start, because it may have forgotten what it promised. */
export class LogCorruptionError extends Error {
  override readonly name = 'LogCorruptionError'
  readonly file: string
  /** Byte position in the file. */
  readonly offset: number

  constructor(file: string, offset: number, reason: string) {
    super(`the log is damaged: ${file} at byte ${offset}: ${reason}. ${ADVICE}`)
    this.file = file
    this.offset = offset
  }
}
