/** What nodes have reported of the digests of their states, and what follows from it; nothing but counting. */
import { hasQuorum, isVoter } from '../../raft/index.ts'
import type { Membership, NodeId } from '../../raft/index.ts'
import type { StateDigest } from '../../ports/index.ts'

/** Digests kept of each node, the newest: whoever is further behind is compared when it has caught up. */
export const KEPT_DIGESTS = 16

export interface Judgement {
  /** What a majority of the voters, of either half of a joint configuration, has for the state after this entry; or null. */
  readonly digest: number | null
  /** Voters have reported different ones. */
  readonly isDisputed: boolean
  /** Who has reported another one than the majority's. */
  readonly wrong: readonly NodeId[]
}

export class DigestTally {
  /** By node, then by index, in order of arrival. */
  readonly #reported = new Map<NodeId, Map<number, number>>()

  note(node: NodeId, { index, digest }: StateDigest): void {
    const known = this.#reported.get(node) ?? new Map<number, number>()
    this.#reported.set(node, known)
    known.delete(index)
    known.set(index, digest)
    if (known.size > KEPT_DIGESTS) known.delete(known.keys().next().value as number)
  }

  of(node: NodeId, index: number): number | undefined {
    return this.#reported.get(node)?.get(index)
  }

  /** Those of a node, in order. */
  all(node: NodeId): StateDigest[] {
    return [...(this.#reported.get(node) ?? [])]
      .map(([index, digest]) => ({ index, digest }))
      .toSorted((a, b) => a.index - b.index)
  }

  forget(node: NodeId): void {
    this.#reported.delete(node)
  }

  forgetOthers(node: NodeId): void {
    for (const other of this.#reported.keys()) if (other !== node) this.#reported.delete(other)
  }

  judge(index: number, membership: Membership): Judgement {
    const reports = [...this.#reported].flatMap(([node, known]) => {
      const digest = known.get(index)
      return digest === undefined ? [] : [{ node, digest }]
    })
    const said = new Set(reports.filter(({ node }) => isVoter(membership, node)).map(({ digest }) => digest))
    const majority = [...said].find((one) => hasQuorum(membership, (id) => this.of(id, index) === one)) ?? null
    const wrong = majority === null ? [] : reports.filter(({ digest }) => digest !== majority).map(({ node }) => node)
    return { digest: majority, isDisputed: said.size > 1, wrong }
  }
}
