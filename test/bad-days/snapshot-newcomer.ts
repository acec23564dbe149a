/** A node beside a fleet: it has nothing, joins as a learner, and may be killed and started again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild, stopChildren } from '../../tools/cluster/child.ts'
import type { Child } from '../../tools/cluster/child.ts'
import { waitForNodes } from '../../tools/cluster/form-cluster.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { LOOPBACK, nodeCommand, nodeUrl } from '../../tools/cluster/node-plan.ts'
import type { NodePlan } from '../../tools/cluster/node-plan.ts'
import { freePorts } from '../../tools/cluster/ports.ts'
import type { FleetNode } from '../chaos/fleet.ts'

const START_TIMEOUT_MS = 30_000
const STOP_DEADLINE_MS = 15_000

interface NodeInfo {
  readonly endpoint_id: string
  readonly addresses: readonly string[]
}

async function peerEntry({ id, url }: FleetNode): Promise<string> {
  const { endpoint_id: endpointId, addresses } = (await request('GET', `${url}/node-info`)).body as NodeInfo
  return `${id}@${endpointId}:${addresses[0]}`
}

export class Newcomer {
  readonly id: number
  readonly url: string
  readonly dataDir: string
  readonly #plan: NodePlan
  readonly #folder: string
  #child: Child

  private constructor(folder: string, plan: NodePlan) {
    this.id = plan.nodeId
    this.url = nodeUrl(plan)
    this.dataDir = plan.dataDir
    this.#folder = folder
    this.#plan = plan
    this.#child = this.#start()
  }

  /** Starts an empty node that knows the fleet, as node `id`. */
  static async start(id: number, fleet: readonly FleetNode[]): Promise<Newcomer> {
    const [httpPort, ractorPort] = (await freePorts(LOOPBACK, 2)) as [number, number]
    const peers = await Promise.all(fleet.map((node) => peerEntry(node)))
    const folder = mkdtempSync(join(tmpdir(), 'aspen-newcomer-'))
    const more = ['--log-level', 'info']
    const dataDir = join(folder, `node-${id}`)
    const plan: NodePlan = { nodeId: id, httpPort, ractorPort, dataDir, storage: 'Sqlite', cookie: [], peers, more }
    const newcomer = new Newcomer(folder, plan)
    await newcomer.answers()
    return newcomer
  }

  /** Until it serves HTTP. */
  async answers(): Promise<void> {
    const formation = { timeoutMs: START_TIMEOUT_MS, signal: new AbortController().signal }
    await waitForNodes([{ nodeId: this.id, url: this.url }], formation)
  }

  /** What it has printed in this life. */
  output(): string {
    return this.#child.output()
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#child.exit
  }

  /** Starts it again by the same command line. */
  async restart(): Promise<void> {
    this.#child = this.#start()
    await this.answers()
  }

  async stop(): Promise<void> {
    await stopChildren([this.#child], STOP_DEADLINE_MS)
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #start(): Child {
    return startChild(`node ${this.id}`, nodeCommand(this.#plan), ['ignore', 'pipe', 'pipe'])
  }
}
