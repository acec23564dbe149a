/** What has happened to a cluster between two looks at its nodes, in lines for whoever plays with it. */

export interface NodeLook {
  /** As this node knows it. */
  readonly leader: number | null
  readonly term: number
  /** By the place of each actor in its node: lives behind the first. */
  readonly restarts: ReadonlyMap<string, number>
}

/** By node id; null: the node does not answer. */
export type ClusterLook = ReadonlyMap<number, NodeLook | null>

/** The leader of the latest term: who is behind knows an older one. */
export function leaderIn(look: ClusterLook): { readonly leader: number | null; readonly term: number } {
  let latest: { readonly leader: number | null; readonly term: number } = { leader: null, term: 0 }
  for (const node of look.values()) {
    if (node === null) continue
    const isNews = node.term > latest.term || (node.term === latest.term && latest.leader === null)
    if (isNews) latest = { leader: node.leader, term: node.term }
  }
  return latest
}

export function newsBetween(before: ClusterLook, after: ClusterLook): readonly string[] {
  const lines: string[] = []
  for (const [nodeId, now] of after) {
    const then = before.get(nodeId)
    if (now === null && then !== null) lines.push(`node ${nodeId} does not answer any more`)
    if (now !== null && then === null) lines.push(`node ${nodeId} is back`)
    // A node that was away counts from its start.
    if (now !== null && then !== null && then !== undefined) lines.push(...restartsBetween(nodeId, then, now))
  }
  const { leader, term } = leaderIn(after)
  const old = leaderIn(before)
  if (leader === null && old.leader !== null) lines.push('there is no leader: an election is under way, or no majority is left')
  if (leader !== null && (leader !== old.leader || term !== old.term))
    lines.push(`node ${leader} is elected leader, in term ${term}`)
  return lines
}

function restartsBetween(nodeId: number, then: NodeLook, now: NodeLook): string[] {
  return [...now.restarts]
    .filter(([path, restarts]) => restarts > (then.restarts.get(path) ?? 0))
    .map(([path]) => `${path} of node ${nodeId} was started again`)
}
