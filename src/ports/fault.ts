/**
 * What a node can fail of. Only a fault of kind 'other', a mistake of the code say, can be cured in a living process by making
 * the replica anew from what its disk holds: after a failed write the system may show pages that never reach the disk, a state
 * that contradicts itself does so again, what only a later program knows ('version') stays unknown to this one, and memory that broke an invariant is not believed in anything else.
 */
export type FaultKind = 'disk' | 'state' | 'invariant' | 'version' | 'other'

/** An error that says which kind of fault it is, where an owner takes it for one. */
export interface ClassifiedError extends Error {
  readonly faultKind: FaultKind
}
