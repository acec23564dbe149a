/** Real nodes as real processes on loopback, started by their command lines, killed by their pids. */
import { once } from 'node:events'
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
/** For a node that is about to end by itself. */
const END_TIMEOUT_MS = 30_000

export interface FleetNode {
  readonly id: number
  readonly url: string
  readonly plan: NodePlan
}

export interface FleetOptions {
  /** An absolute folder for each node, on a volume of its own say; under the fleet's folder, and removed with it, when absent. */
  readonly dataDir?: (id: number) => string
  /** Flags beside those that place a node; those that keep it quiet when absent. */
  readonly more?: readonly string[]
}

export class Fleet {
  readonly nodes: readonly FleetNode[]
  readonly #folder: string
  readonly #children = new Map<number, Child>()
  readonly #ending = new Set<Child>()

  private constructor(folder: string, plans: readonly NodePlan[]) {
    this.#folder = folder
    this.nodes = plans.map((plan) => ({ id: plan.nodeId, url: nodeUrl(plan), plan }))
  }

  /** Durable nodes, made one cluster in which all vote. */
  static async start(count: number, options: FleetOptions = {}): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-chaos-'))
    const ports = await freePorts(LOOPBACK, 2 * count)
    const drafts = Array.from({ length: count }, (_, i) => ({
      nodeId: i + 1,
      httpPort: ports[2 * i] as number,
      ractorPort: ports[2 * i + 1] as number,
      dataDir: options.dataDir?.(i + 1) ?? join(folder, `node-${i + 1}`),
      storage: 'Sqlite' as const,
      cookie: [],
      more: options.more ?? ['--log-level', 'error'],
    }))
    const fleet = new Fleet(folder, withPeers(drafts))
    try {
      await fleet.#form()
    } catch (error) {
      await fleet.stop()
      throw error
    }
    return fleet
  }

  /** A node that ends while the others wait for it ends the waiting. */
  async #form(): Promise<void> {
    const gaveUp = new AbortController()
    for (const { id } of this.nodes) {
      this.run(id)
      const child = this.#children.get(id) as Child
      child.exit.then(
        (how) => gaveUp.abort(new Error(`${child.name} ${how} by itself:\n${child.output()}`)),
        (error: unknown) => gaveUp.abort(error),
      )
    }
    const members = this.nodes.map(({ id, url }) => ({ nodeId: id, url }))
    const formation = { timeoutMs: FORMATION_TIMEOUT_MS, signal: gaveUp.signal }
    await waitForNodes(members, formation)
    await formCluster(members, formation)
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
    await this.end(id, 'SIGKILL')
  }

  /** Waits for a node to end by itself, and says in words how it went, and what it said. */
  async ended(id: number): Promise<{ readonly how: string; readonly output: string }> {
    const child = this.#children.get(id)
    if (child === undefined) throw new Error(`node ${id} does not run`)
    const late = AbortSignal.timeout(END_TIMEOUT_MS)
    const how = await Promise.race([child.exit, once(late, 'abort').then(() => undefined)])
    if (how === undefined) throw new Error(`node ${id} still runs after ${END_TIMEOUT_MS} ms:\n${child.output()}`)
    this.#children.delete(id)
    return { how, output: child.output() }
  }

  /** What a node that runs has said so far. */
  output(id: number): string {
    return this.#children.get(id)?.output() ?? ''
  }

  /** Ends a node that runs, and says in words how it went. */
  async end(id: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    const child = this.#children.get(id)
    if (child === undefined) throw new Error(`node ${id} does not run`)
    // Whatever it does from now on, it was told to.
    this.#children.delete(id)
    this.#ending.add(child)
    child.kill(signal)
    const how = await child.exit
    this.#ending.delete(child)
    return how
  }

  /** Holds the process where it is, or lets it go on. */
  signal(id: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.pid(id), signal)
  }

  /** The nodes whose processes run, or are being held. */
  get running(): readonly FleetNode[] {
    return this.nodes.filter(({ id }) => this.#children.has(id))
  }

  /** The leader as every running node knows it, once they all serve; undefined when that does not come about in time. */
  async settledLeader(timeoutMs: number): Promise<number | undefined> {
    const end = performance.now() + timeoutMs
    while (performance.now() < end) {
      this.assertRunning()
      const leaders = await Promise.all(this.running.map((node) => leaderAt(node)))
      const [leader] = leaders
      if (leader !== undefined && leaders.every((other) => other === leader)) return leader
      await delay(POLL_MS)
    }
    return undefined
  }

  /** That leader itself. @throws Error when the nodes do not agree in time */
  async leaderNode(timeoutMs: number): Promise<FleetNode> {
    const leader = await this.settledLeader(timeoutMs)
    if (leader === undefined) throw new Error(`the nodes have no leader that all know after ${timeoutMs} ms`)
    return this.#node(leader)
  }

  async stop(): Promise<void> {
    const children = [...this.#children.values(), ...this.#ending]
    // One that is held would not hear that it is to stop.
    for (const child of children) child.kill('SIGCONT')
    await stopChildren(children, STOP_DEADLINE_MS)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #node(id: number): FleetNode {
    return this.nodes.find((node) => node.id === id) as FleetNode
  }

  /** A node that ended by itself has given up: its last words say why. */
  assertRunning(): void {
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
