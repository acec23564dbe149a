/** Why a node takes no further part, and what can be done about it in a living process. */
import { LaterVersion } from '../commands/index.ts'
import { AssertionError } from '../lib/index.ts'
import type { ClassifiedError, FaultKind } from '../ports/index.ts'
import { WireError } from '../wire/index.ts'

/** Errors are wrapped a few times at most; a cycle of causes must not hang the search. */
const MAX_CAUSES = 5
const KINDS: ReadonlySet<unknown> = new Set<FaultKind>(['disk', 'state', 'invariant', 'version', 'other'])

export interface Fault {
  readonly kind: FaultKind
  readonly error: Error
}

/** The only one after which the replica may be opened again in the same process. */
export interface RestartableFault extends Fault {
  readonly kind: 'other'
}

/** What an incarnation had under way when it ended has failed: no other may be opened on what may never reach the disk. */
export class UnsettledError extends Error implements ClassifiedError {
  override readonly name = 'UnsettledError'
  readonly faultKind = 'disk'

  constructor(why: string, cause?: Error) {
    super(why, cause === undefined ? undefined : { cause })
  }
}

export function isRestartable(fault: Fault): fault is RestartableFault {
  return fault.kind === 'other'
}

export function faultOf(error: Error): Fault {
  return { kind: kindOf(error), error }
}

/** The first kind that is found among an error and its causes. */
function kindOf(error: Error): FaultKind {
  let current: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    const kind = ownKindOf(current)
    if (kind !== undefined) return kind
    current = current.cause
  }
  return 'other'
}

function ownKindOf(error: Error & Partial<ClassifiedError>): FaultKind | undefined {
  if (KINDS.has(error.faultKind)) return error.faultKind
  if (error instanceof AssertionError) return 'invariant'
  if (error instanceof LaterVersion) return 'version'
  // Of bytes that the node itself wrote, or took for good before.
  if (error instanceof WireError) return 'state'
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown }
  if (code === 'ERR_SQLITE_ERROR') return 'state'
  return typeof syscall === 'string' ? 'disk' : undefined
}
