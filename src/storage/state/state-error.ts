import { StoreRefusal } from '../../ports/index.ts'

/** Why a file of the state, or a snapshot, cannot be used. */
export type StateErrorCode =
  /** Its content is damaged, or it is no file of ours. */
  | 'CORRUPT'
  /** The operating system or SQLite refused to open or read it. */
  | 'UNREADABLE'
  /** A newer version of the program wrote it. */
  | 'UNKNOWN_VERSION'
  /** The bytes received are not the snapshot that was announced. They were deleted; a new transfer may succeed. */
  | 'DIGEST_MISMATCH'
  /** The snapshot was removed because newer ones came. A new transfer may succeed. */
  | 'SNAPSHOT_GONE'
  /** A call does not fit the transfer: another position, another snapshot, or a name that is not its own. */
  | 'TRANSFER_MISMATCH'
  /** There is nothing yet that a snapshot could hold: no membership was applied. */
  | 'NOTHING_TO_SNAPSHOT'
  /** There is no space for a snapshot. What was written of it is deleted; with space a later one may succeed. */
  | 'VOLUME_FULL'
  /** Too many requests wait already. Nothing was changed; a later one may succeed. */
  | 'BUSY'
  /** Closed, or closing. */
  | 'CLOSED'

/**
 * An error of the state machine or the snapshot store, naming the file it is about. It is about content and requests;
 * what the disk itself reports is passed on as it is.
 */
export class StateError extends StoreRefusal {
  override readonly name = 'StateError'
  readonly code: StateErrorCode
  /** Path or name of the file. */
  readonly file: string

  constructor(code: StateErrorCode, file: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.file = file
  }

  override get isVolumeFull(): boolean {
    return this.code === 'VOLUME_FULL'
  }
}

/** The error for a damaged snapshot; `problem` says what is wrong with it. */
export function corruptSnapshot(file: string, problem: string): StateError {
  return new StateError('CORRUPT', file, `snapshot ${file} is damaged: ${problem}; delete it and let a peer send another`)
}

/** The error for a state whose rows are not those that were written. */
export function damagedState(problem: string): StateError {
  return new StateError('CORRUPT', 'state', `the state of this node is damaged: ${problem}`)
}

/** The error for a snapshot that finds no space. */
export function volumeFull(path: string): StateError {
  const message = `there is no space for the snapshot ${path}: it was not taken, and what was written of it is deleted; free space on its volume and ask again`
  return new StateError('VOLUME_FULL', path, message)
}

/** A caught value as an Error. */
export function asError(caught: unknown): Error {
  return caught instanceof Error ? caught : new Error(String(caught))
}
