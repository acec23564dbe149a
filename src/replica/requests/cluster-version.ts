/**
 * The version of the cluster: which commands may be proposed. It is in the replicated state, and goes up by an entry of the log when every
 * member can apply what comes then; never down.
 *
 * Invariants: a command stands in the log behind the entry that raised the cluster to its version; nobody is a member who cannot apply
 * the version in force, or the one proposed, at the time it is added or the version raised.
 */
import { AspenError } from '../../api/index.ts'
import { encodeSetVersion, envelopeVersion } from '../../commands/index.ts'
import type { Language } from '../../commands/index.ts'
import { VERSION_PATIENCE_MS } from '../../limits.ts'
import type { StateMachine } from '../../ports/index.ts'
import type { LogId, Member, NodeId } from '../../raft/index.ts'
import type { HeardVersion } from '../peers/index.ts'
import type { Engine, TurnContext } from '../turn/index.ts'

/** How often a leader looks whether the version may go up, in milliseconds. */
const LOOK_INTERVAL_MS = 1_000

export interface ClusterVersionParts {
  readonly language: Language
  readonly stateMachine: Pick<StateMachine, 'info'>
  readonly engine: Pick<Engine, 'appliedIndex'>
  readonly peers: { heardVersion(endpointId: string): HeardVersion | undefined }
  /** The version is not raised beyond this one. */
  readonly maxVersion: number
}

/** What can be seen of versions. */
export interface VersionStanding {
  /** Of the cluster, as far as this node has applied. */
  readonly cluster: number
  /** The highest that this node can apply. */
  readonly own: number
  /** Members that cannot apply that, or have no link to this node, and so keep the cluster below it; nobody once it is there. */
  readonly heldBackBy: readonly NodeId[]
}

type VersionContext = TurnContext<'schedule', 'id' | 'role' | 'term' | 'membership' | 'termAt' | 'propose'>

export class ClusterVersion {
  readonly #context: VersionContext
  readonly #parts: ClusterVersionParts
  readonly #startedAt: number
  #proposed: { readonly logId: LogId; readonly version: number } | null = null
  #nextLook = 0

  constructor(context: VersionContext, parts: ClusterVersionParts) {
    this.#context = context
    this.#parts = parts
    this.#startedAt = context.clock.now()
  }

  /** In force, as far as this node has applied. */
  get current(): number {
    return this.#parts.stateMachine.info().clusterVersion
  }

  /** On a leader, what a new member has to be able to apply; undefined while it has not applied all that came before its term. */
  get floor(): number | undefined {
    if (!this.#knowsAll) return undefined
    return Math.max(this.current, this.#pending?.version ?? 0)
  }

  get standing(): VersionStanding {
    const own = this.#parts.language.version
    const { current } = this
    return { cluster: current, own, heldBackBy: current < own ? this.#without(own).map(({ id }) => id) : [] }
  }

  /** @throws AspenError CLUSTER_VERSION, NOT_APPLIED: the command was not proposed */
  checkProposal(envelope: Uint8Array): void {
    const needs = envelopeVersion(envelope)
    const has = this.current
    if (needs <= has) return
    if (!this.#knowsAll) throw new AspenError('NOT_APPLIED', 'this leader has not applied what came before it yet; send it again')
    const missing = this.#without(needs)
    const message =
      `the command needs version ${needs} of the cluster, which is at version ${has}: it was not applied; ` +
      (missing.length > 0 ? `${this.#say(missing)}: upgrade` : 'every member can apply it: raise the version')
    throw new AspenError('CLUSTER_VERSION', message, {
      needs,
      cluster_version: has,
      held_back_by: missing.map(({ id }) => id),
    })
  }

  /** Raises the version by itself, on a leader, when every member has long been able to apply it. */
  progress(now: number): void {
    if (this.#context.raft.role !== 'leader' || now < this.#nextLook) return
    this.#nextLook = now + LOOK_INTERVAL_MS
    const { floor } = this
    if (floor === undefined) return
    const { language, maxVersion } = this.#parts
    const target = this.#context.raft.membership.members.reduce(
      (version, member) => Math.min(version, this.#settledVersion(member, now)),
      Math.min(language.version, maxVersion),
    )
    if (target > floor) this.#propose(target)
  }

  /**
   * Raises the version because it was asked for: every member has to be linked and able, for however long. Null: it is in force already.
   * @returns where the entry stands in the log; or why nothing was proposed; undefined when this leader cannot know yet
   */
  raise(version: number): LogId | AspenError | null | undefined {
    const { floor } = this
    if (floor === undefined) return undefined
    if (version <= this.current) return null
    if (version <= floor) return this.#pending?.logId
    const { maxVersion } = this.#parts
    if (version > maxVersion)
      return refusal(
        version,
        this.current,
        `the setting max_cluster_version of node ${this.#context.raft.id} holds it at ${maxVersion}`,
      )
    const missing = this.#without(version)
    if (missing.length > 0) return refusal(version, this.current, this.#say(missing), missing)
    return this.#propose(version)
  }

  #propose(version: number): LogId | undefined {
    const { raft, loop, logger } = this.#context
    const logId = raft.propose(encodeSetVersion(version), 'version')
    if (logId === undefined) return undefined
    logger.log('info', 'the version of the cluster is raised', { from: this.current, to: version, index: logId.index })
    this.#proposed = { logId, version }
    loop.schedule()
    return logId
  }

  /** What this leader has proposed in its term. */
  get #pending(): { readonly logId: LogId; readonly version: number } | null {
    const { raft } = this.#context
    const isOurs = raft.role === 'leader' && this.#proposed?.logId.term === raft.term
    return isOurs ? this.#proposed : null
  }

  /** Nothing that former leaders have put into the log is unknown to the state of this one: it has applied an entry of its term. */
  get #knowsAll(): boolean {
    const { raft } = this.#context
    return raft.role === 'leader' && raft.termAt(this.#parts.engine.appliedIndex) === raft.term
  }

  /** Learners too. */
  #without(version: number): Member[] {
    return this.#context.raft.membership.members.filter((member) => this.#linkedVersion(member) < version)
  }

  #linkedVersion({ id, endpointId }: Member): number {
    if (id === this.#context.raft.id) return this.#parts.language.version
    const heard = this.#parts.peers.heardVersion(endpointId)
    return heard?.endedAt === null ? heard.version : 0
  }

  /** What it has said for long enough, and not too long ago. */
  #settledVersion({ id, endpointId }: Member, now: number): number {
    if (id === this.#context.raft.id) return now - this.#startedAt >= VERSION_PATIENCE_MS ? this.#parts.language.version : 0
    const heard = this.#parts.peers.heardVersion(endpointId)
    if (heard === undefined || now - heard.since < VERSION_PATIENCE_MS) return 0
    return now - (heard.endedAt ?? now) <= VERSION_PATIENCE_MS ? heard.version : 0
  }

  #say(missing: readonly Member[]): string {
    const said = missing.map((member) => {
      const version = this.#linkedVersion(member)
      return version === 0 ? `node ${member.id} is not linked` : `node ${member.id} can apply versions up to ${version}`
    })
    return said.join(', ')
  }
}

function refusal(version: number, current: number, why: string, missing: readonly Member[] = []): AspenError {
  return new AspenError('CLUSTER_VERSION', `the cluster stays at version ${current} and was not raised to ${version}: ${why}`, {
    needs: version,
    cluster_version: current,
    ...(missing.length > 0 ? { held_back_by: missing.map(({ id }) => id) } : {}),
  })
}
