import { statSync } from 'node:fs'

const WRITABLE_BY_OTHERS = 0o022

/** Warnings about a data directory in which others than its owner may write: they could put another log or key in its place. */
export function exposedDirectory(directory: string): string[] {
  // Windows has no such modes.
  if (process.platform === 'win32') return []
  const mode = statSync(directory).mode & 0o777
  if ((mode & WRITABLE_BY_OTHERS) === 0) return []
  return [`others may write in the data directory ${directory} (mode ${mode.toString(8).padStart(4, '0')}): chmod 700 it`]
}
