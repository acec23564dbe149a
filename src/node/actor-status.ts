import type { ActorSnapshot, RestartNote } from '../actor/index.ts'
import type { ActorFailure, ActorStatus } from '../api/index.ts'

const ROOT = 'NodeServer'

/** The actors of a node as its status shows them. The NodeServer is the root of all, and has no life but that of the node. */
export function actorStatuses(actors: readonly ActorSnapshot[], now: number, uptimeMs: number): ActorStatus[] {
  const root: ActorStatus = {
    path: ROOT,
    state: 'running',
    uptimeMs,
    restarts: 0,
    failures: 0,
    lastFailure: null,
    circuit: 'closed',
  }
  return [root, ...actors.flatMap((actor) => withChildren(actor, now))]
}

function withChildren(actor: ActorSnapshot, now: number): ActorStatus[] {
  return [statusOf(actor, now), ...actor.children.flatMap((child) => withChildren(child, now))]
}

function statusOf({ path, phase, uptimeMs, restarts, failures, circuit, history }: ActorSnapshot, now: number): ActorStatus {
  // A restart by hand has no pause.
  const last = history.findLast(({ pauseMs }) => pauseMs !== 0)
  return {
    path: `${ROOT}${path}`,
    state: phase === 'new' ? 'starting' : phase,
    uptimeMs: uptimeMs === null ? null : Math.round(uptimeMs),
    restarts,
    failures,
    lastFailure: last === undefined ? null : failureOf(last, now),
    circuit,
  }
}

function failureOf({ reason, at, uptimeMs, pauseMs }: RestartNote, now: number): ActorFailure {
  return { reason, agoMs: Math.round(now - at), uptimeMs: Math.round(uptimeMs), pauseMs }
}

/** The one of this name, wherever it stands. */
export function findActor(actors: readonly ActorSnapshot[], name: string): ActorSnapshot | undefined {
  for (const actor of actors) {
    if (actor.path.endsWith(`/${name}`)) return actor
    const found = findActor(actor.children, name)
    if (found !== undefined) return found
  }
  return undefined
}
