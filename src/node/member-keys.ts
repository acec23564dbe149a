import type { Membership } from '../raft/index.ts'

/** The keys that the configuration binds to ids of nodes: the last one that was known, also while there is no replica. */
export class MemberKeys {
  #keys = new Map<number, string>()
  #ids = new Map<string, number>()
  /** Told of every other configuration. */
  changed: () => void = () => undefined

  follow({ members }: Membership): void {
    this.#keys = new Map(members.map(({ id, endpointId }) => [id, endpointId]))
    this.#ids = new Map(members.map(({ id, endpointId }) => [endpointId, id]))
    this.changed()
  }

  endpointOf(nodeId: number): string | null {
    return this.#keys.get(nodeId) ?? null
  }

  nodeOf(endpointId: string): number | null {
    return this.#ids.get(endpointId) ?? null
  }
}
