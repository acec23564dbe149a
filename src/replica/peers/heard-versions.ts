/** Which version of the commands each peer says that it can apply, and for how long. */
import { MAX_PEERS, VERSION_PATIENCE_MS } from '../../limits.ts'
import type { LinkedPeer } from '../../ports/index.ts'

export interface HeardVersion {
  readonly version: number
  /** Since when it has said so, without a pause longer than VERSION_PATIENCE_MS. */
  readonly since: number
  /** When its last link ended; null while it is linked. */
  readonly endedAt: number | null
}

export class HeardVersions {
  /** By key; what was heard last stands last. */
  readonly #heard = new Map<string, HeardVersion>()

  linked({ endpointId, claims }: LinkedPeer, now: number): void {
    const before = this.#heard.get(endpointId)
    const version = claims.languageVersion
    const goesOn = before?.version === version && now - (before.endedAt ?? now) <= VERSION_PATIENCE_MS
    this.#heard.delete(endpointId)
    this.#heard.set(endpointId, { version, since: goesOn ? before.since : now, endedAt: null })
    if (this.#heard.size > MAX_PEERS) this.#heard.delete(this.#heard.keys().next().value as string)
  }

  unlinked(endpointId: string, now: number): void {
    const heard = this.#heard.get(endpointId)
    if (heard !== undefined) this.#heard.set(endpointId, { ...heard, endedAt: now })
  }

  of(endpointId: string): HeardVersion | undefined {
    return this.#heard.get(endpointId)
  }
}
