/** What the programs say to whoever started them; 64, 70 and 76 are those of sysexits.h. */
export const EXIT = {
  OK: 0,
  /** The node could not start, or did not stop in time. */
  FAILURE: 1,
  /** Wrong settings. */
  USAGE: 64,
  /** A fault: the node stopped itself rather than go on with a state it cannot trust. */
  FAULT: 70,
  /** What it found needs a later program: starting this one again would find it again. EX_PROTOCOL of sysexits.h. */
  LATER_VERSION: 76,
  // A second signal cut the stop short: 128 and its number.
  SIGHUP: 129,
  SIGINT: 130,
  SIGQUIT: 131,
  SIGTERM: 143,
  SIGPWR: 158,
} as const
