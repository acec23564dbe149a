/**
 * Peers remember what a node has promised, and say so when it is back: a disk that was put back to an earlier time is found out by whoever
 * has heard the node speak, whoever leads meanwhile. Why nobody is accused wrongly: docs/adr/0016.
 */
import { ForgottenPromise } from './forgotten-promise.ts'
import type { Progress } from './progress.ts'
import type { RaftState } from './state.ts'
import type { LogId, NodeId } from './types.ts'

/** What somebody has heard a node promise. */
export interface Reminder {
  /** The highest term that it has spoken in. */
  readonly term: number
  /** The last entry that it has acknowledged and that is committed; index 0: none. */
  readonly held: LogId
}

/** On a leader, before it forgets or doubts how far a peer is: what that holds of what is committed, it holds for ever. */
export function noteHeld(state: RaftState, id: NodeId, { match, departingAt }: Progress): void {
  const index = Math.min(match, state.commit)
  const term = state.log.termAt(index)
  const { members } = state.membership
  const member = departingAt === null ? members.find((one) => one.id === id) : undefined
  if (term === undefined || member === undefined || index <= (state.held.get(member.endpointId)?.index ?? 0)) return
  state.held.set(member.endpointId, { term, index })
  // A key that has left does not come back.
  for (const key of state.held.keys()) if (!members.some((one) => one.endpointId === key)) state.held.delete(key)
}

/**
 * A peer reminds this node of its promises: of those of former lives, which it has begun this one with, or of this life's too.
 * @throws ForgottenPromise when one of them is not kept
 */
export function checkReminder(state: RaftState, from: NodeId, { term, held }: Reminder, ofFormerLives: boolean): void {
  const known = ofFormerLives ? state.restoredTerm : state.term
  if (!(term <= known)) forgotten(state, `spoke to node ${from} in term ${term}, and its log knows of none after ${known}`)
  if (!holds(state, held, ofFormerLives))
    forgotten(
      state,
      `acknowledged entry ${held.index} of term ${held.term} to node ${from}, which is committed, and its log lacks it`,
    )
  if (ofFormerLives) state.counters.reminders++
}

function holds({ log, restoredLast, lowestCut }: RaftState, { index, term }: LogId, ofFormerLives: boolean): boolean {
  // What a former life held of what is committed was there when this one began, and no leader has had it removed.
  if (ofFormerLives && (index > restoredLast || index >= lowestCut)) return false
  if (index <= log.purged.index) return true
  return log.termAt(index) === term
}

function forgotten({ id }: RaftState, what: string): never {
  throw new ForgottenPromise(`node ${id} ${what}: an old copy of its disk was put back, or the disk has lost it`)
}
