/** Bounds on what messages may carry beside keys, values and entries. Sizes are bytes. They may grow, never shrink: old logs hold them. */

export const MAX_CLUSTER_ID_SIZE = 64
/** A snapshot's id is a file name. */
export const MAX_SNAPSHOT_ID_SIZE = 128
/** The message of an error, and its details as JSON. */
export const MAX_ERROR_TEXT_SIZE = 65_536
/** How deep the details of an error may nest. */
export const MAX_ERROR_DETAILS_DEPTH = 16
