/** What an error of the file system says about the disk, and what a person can do about it. */
import type { ClassifiedError } from '../../ports/index.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT'])
const FAILING = new Set(['EIO', 'EROFS', 'ENXIO', 'ENODEV'])

/** Errors are wrapped a few times at most; a cycle of causes must not hang the report. */
const MAX_CAUSES = 5

/** The file system's code behind an error, `ENOSPC` say, or undefined. */
function systemCode(error: unknown): string | undefined {
  let current = error
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const { code } = current as NodeJS.ErrnoException
    if (typeof code === 'string' && (FULL.has(code) || FAILING.has(code))) return code
    current = current.cause
  }
  return undefined
}

/** Whether something failed for want of space. */
export function isVolumeFull(error: unknown): boolean {
  return FULL.has(systemCode(error) ?? '')
}

export const FULL_ADVICE =
  'its volume is full: free space there, then start the node again; nothing that was acknowledged is lost'
export const FAILING_ADVICE =
  'the disk under it fails: look into the kernel log, and start the node again once the disk is sound; ' +
  'if what it held is lost, replace the member'

/** A file could not be written or made durable. Its message names the file and what to do. */
export class DiskError extends Error implements ClassifiedError {
  override readonly name = 'DiskError'
  readonly faultKind = 'disk'

  constructor(what: string, cause: Error) {
    super(`${what} failed: ${cause.message}${advice(cause)}`, { cause })
  }
}

function advice(error: Error): string {
  const code = systemCode(error)
  if (code === undefined) return ''
  return `; ${FULL.has(code) ? FULL_ADVICE : FAILING_ADVICE}`
}

/** Runs something over a file; what the file system throws becomes a DiskError. `what` reads like "writing /data/x". */
export function guardDisk<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof DiskError || !(error instanceof Error)) throw error
    throw new DiskError(what, error)
  }
}
