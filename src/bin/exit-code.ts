/** What the programs say to whoever started them; 64 and 70 are those of sysexits.h. */
export const EXIT = {
  OK: 0,
  /** The node could not start, or did not stop in time. */
  FAILURE: 1,
  /** Wrong settings. */
  USAGE: 64,
  /** A fault: the node stopped itself rather than go on with a state it cannot trust. */
  FAULT: 70,
  SIGINT: 130,
  SIGTERM: 143,
} as const
