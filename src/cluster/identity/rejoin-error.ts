/** The node did not rejoin; the message says why, what was changed, and what to do. */
export class RejoinError extends Error {
  override readonly name = 'RejoinError'
}
