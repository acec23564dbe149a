/**
 * What a node does with what it finds at start-up. The log is the truth, the state trails it, a snapshot may be
 * ahead of both when the node stopped in the middle of installing it:
 *
 * | snapshot | log and state | then |
 * |---|---|---|
 * | ahead of the state, log lacks its position | install was cut short | the log is reset to it, the state restored |
 * | ahead of the state, log has its position | state lost its tail | the state replays the log; restored where the log is purged |
 * | any | state within the log | the log behind `applied` is replayed as it commits |
 * | none, or behind `applied` | state ahead of the log's end | refused: the log has lost entries that were applied |
 * | any | state not believed | restored; without one, the state waits for one of the leader's, and the log goes on |
 * | none, or behind the purged position | state behind the purged position | refused: what lies between is gone |
 */
import { REJOIN_ADVICE } from '../api/index.ts'
import { LANGUAGE, LaterVersion } from '../commands/index.ts'
import type { Language } from '../commands/index.ts'
import type { ClassifiedError, LogStore, SnapshotStore, StateMachine, StoredSnapshot } from '../ports/index.ts'
import { EMPTY_MEMBERSHIP } from '../raft/index.ts'
import type { Entry, HardState, LogId, Membership, RaftRestored } from '../raft/index.ts'
import { decodeMembership } from '../wire/index.ts'

/** The data directory contradicts itself; starting would lose or invent data. */
export class RecoveryError extends Error implements ClassifiedError {
  override readonly name = 'RecoveryError'
  readonly faultKind = 'state'
}

export interface Recovered {
  readonly restored: RaftRestored
  readonly clusterId: string | null
}

export function logHas(log: LogStore, position: LogId): boolean {
  const { purged, entries } = log.recovered
  if (position.index === purged.index) return position.term === purged.term
  return entries[position.index - purged.index - 1]?.term === position.term
}

/** The snapshot that must be installed before anything else, or null. @throws RecoveryError when it is of another cluster */
export function snapshotToInstall(log: LogStore, state: StateMachine, snapshots: SnapshotStore): StoredSnapshot | null {
  const newest = snapshots.newest()
  const { clusterId } = log.recovered
  if (newest !== null && clusterId !== null && newest.clusterId !== clusterId) {
    throw new RecoveryError(
      `the newest snapshot is of cluster ${newest.clusterId}, and the log of cluster ${clusterId}: one of them was put here from ` +
        `another node. ${REJOIN_ADVICE}`,
    )
  }
  const { applied } = state.info()
  if (newest === null || newest.last.index < log.recovered.purged.index) return null
  // It came from a leader, and was not restored before the node stopped: those of its own state are gone.
  if (state.awaitsSnapshot) return newest
  const ahead = newest.last.index - applied.index
  // A state that is the snapshot itself says nothing of whether the log was reset to it.
  if (ahead < 0 || (ahead === 0 && !state.opensFromSnapshot)) return null
  const replayable = logHas(log, newest.last) && applied.index >= log.recovered.purged.index
  return replayable ? null : newest
}

function membershipsAfter(
  base: { index: number; membership: Membership },
  entries: readonly Entry[],
): RaftRestored['memberships'] {
  const later = entries
    .filter((entry) => entry.index > base.index)
    .map((entry) => ({ index: entry.index, membership: entry.membership ?? decodeMembership(entry.payload) }))
  return [base, ...later]
}

/** The hard state of a log that is reset to a snapshot: its term cannot lie before that of the entries. */
export function hardStateAt(log: LogStore, snapshot: StoredSnapshot): HardState {
  const { hardState } = log.recovered
  return snapshot.last.term <= hardState.term ? hardState : { term: snapshot.last.term, votedFor: null }
}

/** Reads the consensus state out of log and state machine. Call it after `snapshotToInstall` was dealt with. */
export function recover(log: LogStore, state: StateMachine, installed: StoredSnapshot | null): Recovered {
  const { applied, membership, membershipIndex } = state.info()
  const reset = installed !== null && !logHas(log, installed.last)
  const { clusterId } = log.recovered
  const hardState = reset ? hardStateAt(log, installed) : log.recovered.hardState
  const purged = reset ? installed.last : log.recovered.purged
  const entries = reset ? [] : log.recovered.entries
  const lastIndex = purged.index + entries.length
  if (applied.index < purged.index) {
    throw new RecoveryError(
      `the state ends at entry ${applied.index}, the log begins after entry ${purged.index}, and no snapshot fills the gap: ` +
        `a segment of the log or the newest snapshot is missing, or the state is an old copy. ${REJOIN_ADVICE}`,
    )
  }
  if (applied.index > lastIndex) {
    throw new RecoveryError(
      `the state has applied entry ${applied.index}, but the log ends at entry ${lastIndex}: the log has lost entries; ` +
        `it is an old copy, or its newest segments are missing. ${REJOIN_ADVICE}`,
    )
  }
  const base = { index: membershipIndex, membership: membership ?? EMPTY_MEMBERSHIP }
  return {
    restored: {
      term: hardState.term,
      votedFor: hardState.votedFor,
      purged,
      entries,
      memberships: membershipsAfter(base, reset ? [] : log.recovered.memberships),
      applied: applied.index,
    },
    clusterId: clusterId ?? installed?.clusterId ?? null,
  }
}

/** Commands of a version stand behind the entry that raised the cluster to it: of a log, those entries tell all. */
export function laterThan({ version }: Language, log: LogStore, snapshots: SnapshotStore): LaterVersion | undefined {
  const { clusterVersion } = log.recovered
  if (clusterVersion > version) return new LaterVersion('the log of this node', clusterVersion, version)
  const newest = snapshots.newest()?.clusterVersion ?? 0
  return newest > version ? new LaterVersion('the newest snapshot of this node', newest, version) : undefined
}

/** What a start would make of these stores, without touching them. @throws RecoveryError, LaterVersion when it would refuse them */
export function assertRecoverable(
  log: LogStore,
  state: StateMachine,
  snapshots: SnapshotStore,
  language: Language = LANGUAGE,
): void {
  const later = laterThan(language, log, snapshots)
  if (later !== undefined) throw later
  // A snapshot that is to be installed makes the three agree.
  if (snapshotToInstall(log, state, snapshots) === null) recover(log, state, null)
}
