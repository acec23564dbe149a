/** What must happen some time did not happen in time. */
export class LivenessViolation extends Error {
  override readonly name = 'LivenessViolation'
}
