const AWAITS_SNAPSHOT =
  'the state of this node stood against that of a majority when it ran last, and is not used: it waits for a snapshot of the leader'

/** What a person should know of a state and its snapshots as they were found: `divergence` is the mark beside them, `damaged` their names. */
export function stateFindings(divergence: object | null, damaged: readonly string[]): string[] {
  const spoilt = damaged.map((name) => `the snapshot ${name} is damaged and is not used; a newer one will replace it`)
  return divergence === null ? spoilt : [AWAITS_SNAPSHOT, ...spoilt]
}
