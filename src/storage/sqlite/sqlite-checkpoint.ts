import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { isDiskFull } from './sqlite-database.ts'

export interface Checkpoint {
  /**
   * Everything that was committed before the call is in the database file. That is synced, or, when somebody has committed meanwhile, backed by the
   * log, which was synced before and does not begin again until the file is.
   */
  readonly complete: boolean
  /** Frames (pages) in the log, copied or not. */
  readonly frames: number
}

const NOTHING_DONE: Checkpoint = { complete: false, frames: 0 }

/**
 * Moves the write-ahead log into the database file and syncs both. Not complete means: nothing is lost, try again
 * later. That is so when a reader still needs the log, and when the disk is full. The database file alone is then no
 * moment at all: what was written until the oldest reader began is copied, except the pages that were written again since.
 *
 * PASSIVE copies while others write. RESTART keeps writers out meanwhile, and lets the next write begin the log again
 * from its start; TRUNCATE also cuts the file, which was measured at three times the wait.
 */
export function checkpointDatabase(
  database: Pick<DatabaseSync, 'prepare'>,
  mode: 'PASSIVE' | 'RESTART' | 'TRUNCATE',
): Checkpoint {
  try {
    const row = database.prepare(`PRAGMA wal_checkpoint(${mode})`).get()
    const frames = row?.['log'] as number
    // A log of -1 frames says that the database is not in WAL mode, where this promise would not hold.
    return { complete: row?.['busy'] === 0 && frames >= 0 && frames === row['checkpointed'], frames }
  } catch (error) {
    if (isDiskFull(error)) return NOTHING_DONE
    throw error
  }
}

/** Frames that may be left to copy while writers wait. */
const FEW_FRAMES = 256
/** Passes beside the writers: a pass may meet a reader that has just begun, and leaves what was written during it. */
const MAX_PASSES = 5
export interface LogLimits {
  /** Frames after which the log begins again from its start, for which writers wait some milliseconds. */
  readonly frames: number
  /** Bytes at which a log file that grew, in a stall, is cut. */
  readonly fileBytes: number
}

/** 32 MB of pages, and eight times that. */
const LOG_LIMITS: LogLimits = { frames: 8192, fileBytes: 256 * 1024 * 1024 }

/**
 * Checkpoints beside a writer that goes on; true when complete. A log that is never found idle would grow for ever, so
 * a long one is begun again, once little is left to copy.
 */
export function checkpointBesideWriter(
  database: Pick<DatabaseSync, 'prepare'>,
  logFile: string,
  limits: LogLimits = LOG_LIMITS,
): boolean {
  let checkpoint = checkpointDatabase(database, 'PASSIVE')
  const long = checkpoint.frames > limits.frames
  let added = checkpoint.frames
  for (let pass = 1; pass < MAX_PASSES && (!checkpoint.complete || (long && added > FEW_FRAMES)); pass++) {
    const next = checkpointDatabase(database, 'PASSIVE')
    added = next.frames - checkpoint.frames
    checkpoint = next
  }
  // Beside a reader that needs the log it cannot begin again, and trying would only keep the writer out.
  if (!long || !checkpoint.complete) return checkpoint.complete
  const mode = statSync(logFile).size > limits.fileBytes ? 'TRUNCATE' : 'RESTART'
  return checkpointDatabase(database, mode).complete || checkpoint.complete
}
