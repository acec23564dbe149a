/** A setting that is unknown, unreadable, out of range or at odds with another; the message names where it came from. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** As an AspenError has one. */
  readonly code = 'INVALID_CONFIG'
}
