/** Real nodes as real processes on loopback, started by their command lines, killed by their pids. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startChild, stopChildren } from '../../tools/cluster/child.ts'
import type { Child } from '../../tools/cluster/child.ts'
import { formCluster, waitForNodes } from '../../tools/cluster/form-cluster.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { LOOPBACK, nodeCommand, nodeUrl } from '../../tools/cluster/node-plan.ts'
import type { NodePlan } from '../../tools/cluster/node-plan.ts'
import { freePorts } from '../../tools/cluster/ports.ts'
import { withPeers } from '../../tools/cluster/prepare.ts'

const FORMATION_TIMEOUT_MS = 60_000
const STOP_DEADLINE_MS = 15_000
const POLL_MS = 25

export interface FleetNode {
  readonly id: number
  readonly url: string
  readonly plan: NodePlan
}

export class Fleet {
  readonly nodes: readonly FleetNode[]
  readonly #folder: string
  readonly #children = new Map<number, Child>()

  private constructor(folder: string, plans: readonly NodePlan[]) {
    this.#folder = folder
    this.nodes = plans.map((plan) => ({ id: plan.nodeId, url: nodeUrl(plan), plan }))
  }

  /** Durable nodes, made one cluster in which all vote. */
  static async start(count: number): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-chaos-'))
    const ports = await freePorts(LOOPBACK, 2 * count)
    const drafts = Array.from({ length: count }, (_, i) => ({
      nodeId: i + 1,
      httpPort: ports[2 * i] as number,
      ractorPort: ports[2 * i + 1] as number,
      dataDir: join(folder, `node-${i + 1}`),
      storage: 'Sqlite' as const,
      cookie: [],
      more: ['--log-level', 'error'],
    }))
    const fleet = new Fleet(folder, withPeers(drafts))
    for (const { id } of fleet.nodes) fleet.run(id)
    const members = fleet.nodes.map(({ id, url }) => ({ nodeId: id, url }))
    const formation = { timeoutMs: FORMATION_TIMEOUT_MS, signal: new AbortController().signal }
    await waitForNodes(members, formation)
    await formCluster(members, formation)
    return fleet
  }

  /** Starts the node's command line, the same every time. */
  run(id: number): void {
    this.#children.set(id, startChild(`node ${id}`, nodeCommand(this.#node(id).plan), ['ignore', 'pipe', 'pipe']))
  }

  pid(id: number): number {
    const pid = this.#children.get(id)?.pid
    if (pid === undefined) throw new Error(`node ${id} does not run`)
    return pid
  }

  /** kill -9, and the end of the process. */
  async kill(id: number): Promise<void> {
    const child = this.#children.get(id)
    child?.kill('SIGKILL')
    await child?.exit
  }

  /** The leader as any node knows it, once all nodes serve; undefined when that does not come about in time. */
  async settledLeader(timeoutMs: number): Promise<number | undefined> {
    const end = performance.now() + timeoutMs
    while (performance.now() < end) {
      this.#assertRunning()
      const leaders = await Promise.all(this.nodes.map((node) => leaderAt(node)))
      const [leader] = leaders
      if (leader !== undefined && leaders.every((other) => other === leader)) return leader
      await delay(POLL_MS)
    }
    return undefined
  }

  async stop(): Promise<void> {
    await stopChildren([...this.#children.values()], STOP_DEADLINE_MS)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #node(id: number): FleetNode {
    return this.nodes.find((node) => node.id === id) as FleetNode
  }

  /** A node that ended by itself has given up: its last words say why. */
  #assertRunning(): void {
    for (const child of this.#children.values()) {
      const how = child.ended()
      if (how !== undefined) throw new Error(`${child.name} ${how} by itself:\n${child.output()}`)
    }
  }
}

async function leaderAt({ url }: FleetNode): Promise<number | undefined> {
  try {
    const health = await request('GET', `${url}/health`)
    const { ready, leader } = health.body as { readonly ready?: boolean; readonly leader?: number | null }
    return ready === true ? (leader ?? undefined) : undefined
  } catch {
    return undefined
  }
}
