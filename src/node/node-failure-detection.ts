/**
 * What is the matter with a member that does not answer: its process has ended, stands still, or is out of reach, or lives on without its
 * RaftActor (the specification's node_failure_detection). It is told by what the link says, by whether the peer takes part in consensus, by how
 * long a leader has heard nothing, and by what others pass on of it.
 *
 * It is a suspicion, for people: nothing here changes the membership, an election, or a dial.
 */
import type { MemberCondition, MemberHealth } from '../api/index.ts'
import { MEMBER_ATTENTION_MS } from '../limits.ts'
import type { PeerBook } from '../peers/index.ts'
import type { Clock, Links, Logger, PeerReport, Timer } from '../ports/index.ts'
import type { Member, Membership, PeerProgress } from '../raft/index.ts'

const LOOK_INTERVAL_MS = 1_000
/** What others pass on may have been under way when the link was lost. */
const RELAY_MS = 2_000
/** That a node is there is passed on once a minute, and may be missed. */
const PASSED_ON_MS = 180_000

/** What a failed attempt begins with when nobody is there: the host, or the way to it. */
const NO_WAY: ReadonlySet<string> = new Set([
  'TIMEOUT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])
/** When one of the two would have no link. */
const REFUSALS: ReadonlySet<string> = new Set([
  'COOKIE_MISMATCH',
  'CLUSTER_MISMATCH',
  'KEY_MISMATCH',
  'VERSION_MISMATCH',
  'IDENTITY_IN_USE',
  'SELF',
  'MALFORMED',
  'OVERLOADED',
  'REFUSED',
])

export interface FailureDetectionParts {
  readonly links: Pick<Links, 'endpointId' | 'peers'>
  readonly peerBook: Pick<PeerBook, 'get'>
  readonly clock: Clock
  readonly logger: Logger
  readonly membership: () => Membership
  /** Whether this peer takes part in consensus, as far as its link says. */
  readonly takesPart: (endpointId: string) => boolean
  /** A leader that has heard nothing for so long, over a link that lives, speaks to somebody who stands still. */
  readonly silenceMs: number
  /** On a leader: what it knows of a member. */
  readonly progress: (id: number) => PeerProgress | undefined
}

/** All that is known of one member at a moment. */
export interface Evidence {
  readonly report: PeerReport | undefined
  readonly takesPart: boolean
  /** For how long this node, which leads, has heard nothing, when that is too long; else null. */
  readonly silentMs: number | null
  /** Since when there is no link; null while there is one. */
  readonly unlinkedSince: number | null
  /** When it was last heard of through others. */
  readonly passedOnAt: number | null
}

export interface Suspicion {
  readonly condition: MemberCondition
  readonly detail: string
}

/** What the evidence says, strongest first. */
export function suspect(evidence: Evidence, now: number): Suspicion {
  const { report, takesPart, silentMs } = evidence
  if (report?.state !== 'connected') return suspectUnlinked(evidence, now)
  if (!takesPart)
    return {
      condition: 'actor-down',
      detail: 'its process answers, and takes no part in consensus: its RaftActor is down, or is started again',
    }
  if (silentMs !== null) {
    const detail = `linked, and silent for ${seconds(silentMs)}: its process stands still (stopped, swapping, or its disk does not answer)`
    return { condition: 'stalled', detail }
  }
  return { condition: 'well', detail: 'linked, and takes part' }
}

function suspectUnlinked({ report, unlinkedSince, passedOnAt }: Evidence, now: number): Suspicion {
  const said = report?.lastError ?? null
  const code = said?.split(':', 1)[0] ?? ''
  if (code === 'ECONNREFUSED')
    return { condition: 'crashed', detail: `nothing listens where it was: its process has ended, or it has moved (${said})` }
  if (REFUSALS.has(code)) return { condition: 'refused', detail: `it is there, and there is no link: ${said}` }
  const isAlive = passedOnAt !== null && now - passedOnAt < PASSED_ON_MS
  if (isAlive && unlinkedSince !== null && passedOnAt > unlinkedSince + RELAY_MS) {
    const detail = `it is alive, for others passed on what it said ${seconds(now - passedOnAt)} ago: the network between it and this node is cut (${said ?? 'no attempt has failed yet'})`
    return { condition: 'cut-off', detail }
  }
  // Whether anybody is there, the next attempt tells.
  if (code === 'SILENT') {
    const detail = `its link fell silent: its process stands still, its machine is off, or the network is cut (${said})`
    return { condition: 'unlinked', detail }
  }
  if (code === 'STALLED')
    return { condition: 'stalled', detail: `its machine answers and its process does not: it stands still (${said})` }
  if (NO_WAY.has(code))
    return { condition: 'unreachable', detail: `no answer from its machine: that is off, or the network is cut (${said})` }
  return { condition: 'unlinked', detail: said ?? 'there is no link, and no attempt has failed yet' }
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`
}

const UNWATCHED: Watched = { unwellSince: null, unlinkedSince: null, isSaid: false, passedOnAt: null, isFresh: false }

interface Watched {
  /** Since when it is not well; null while it is. */
  unwellSince: number | null
  unlinkedSince: number | null
  isSaid: boolean
  /** When others last passed on what it says, in this life; null before. */
  passedOnAt: number | null
  /** That was newer than what had been heard before: whoever hears of a node first may be told what it said long ago. */
  isFresh: boolean
}

export class NodeFailureDetection {
  readonly #parts: FailureDetectionParts
  #watched = new Map<string, Watched>()
  readonly #startedAt: number
  #timer: Timer | null = null

  constructor(parts: FailureDetectionParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
  }

  start(): void {
    this.#timer = this.#parts.clock.setTimer(LOOK_INTERVAL_MS, () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** The other members, as they seem now. */
  get report(): readonly MemberHealth[] {
    const now = this.#parts.clock.now()
    const reports = this.#reports()
    return this.#others().map((member) => this.#healthOf(member, reports, now))
  }

  #others(): readonly Member[] {
    const { links, membership } = this.#parts
    return membership().members.filter(({ endpointId }) => endpointId !== links.endpointId)
  }

  #look(): void {
    const now = this.#parts.clock.now()
    const others = this.#others()
    const kept = new Set(others.map(({ endpointId }) => endpointId))
    for (const endpointId of this.#watched.keys()) if (!kept.has(endpointId)) this.#watched.delete(endpointId)
    const reports = this.#reports()
    for (const member of others) this.#say(this.#healthOf(member, reports, now))
  }

  #reports(): ReadonlyMap<string, PeerReport> {
    return new Map(this.#parts.links.peers().map((report) => [report.endpointId, report]))
  }

  #healthOf({ id, endpointId }: Member, reports: ReadonlyMap<string, PeerReport>, now: number): MemberHealth {
    const watched = this.#watched.get(endpointId) ?? { ...UNWATCHED }
    this.#watched.set(endpointId, watched)
    const { condition, detail } = suspect(this.#evidenceOf(id, watched, reports.get(endpointId), endpointId), now)
    watched.unwellSince = condition === 'well' ? null : (watched.unwellSince ?? now)
    const forMs = watched.unwellSince === null ? 0 : Math.round(now - watched.unwellSince)
    return { nodeId: id, endpointId, condition, detail, forMs, needsAttention: forMs >= MEMBER_ATTENTION_MS }
  }

  #evidenceOf(id: number, watched: Watched, report: PeerReport | undefined, endpointId: string): Evidence {
    const { peerBook, takesPart, progress, silenceMs, clock } = this.#parts
    watched.unlinkedSince = report?.state === 'connected' ? null : (watched.unlinkedSince ?? clock.now())
    const silentMs = progress(id)?.lastContactMs ?? 0
    this.#hear(watched, peerBook.get(endpointId)?.hints.get('gossip')?.heardAt)
    return {
      report,
      takesPart: takesPart(endpointId),
      silentMs: silentMs < silenceMs ? null : silentMs,
      unlinkedSince: watched.unlinkedSince,
      passedOnAt: watched.isFresh ? watched.passedOnAt : null,
    }
  }

  /** Announcements are signed and numbered: a node that is heard of again is alive. What the book knows from a former life proves nothing. */
  #hear(watched: Watched, heardAt: number | undefined): void {
    if (heardAt === undefined || heardAt < this.#startedAt || heardAt === watched.passedOnAt) return
    watched.isFresh = watched.passedOnAt !== null
    watched.passedOnAt = heardAt
  }

  /** One line when a member needs attention, and one when it does no more. */
  #say({ nodeId, endpointId, condition, detail, forMs, needsAttention }: MemberHealth): void {
    const watched = this.#watched.get(endpointId)
    if (watched === undefined || watched.isSaid === needsAttention) return
    // Until it is well again: it may be ill of something else in between.
    if (watched.isSaid && condition !== 'well') return
    watched.isSaid = needsAttention
    const { logger } = this.#parts
    if (needsAttention)
      logger.log('warn', `member ${nodeId} needs attention: ${detail}`, { nodeId, endpointId, condition, forMs })
    else logger.log('info', `member ${nodeId} is well again`, { nodeId, endpointId })
  }
}
