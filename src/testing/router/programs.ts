/** The user's own programs, beside the nodes: one starts with each life of its node, and ends with it. */
import type { ActorSystem } from '../../actor/index.ts'
import { recorded } from './recorded.ts'
import type { Recorder } from './recorded.ts'
import type { ClusterController, KeyValueStore } from '../../api/index.ts'
import type { Random } from '../../lib/index.ts'
import { forkPrng } from '../../simulation/index.ts'
import type { NodeServer } from '../../node/index.ts'
import type { Life, Scheduler } from '../../simulation/index.ts'

/** What a program sees of the process it is part of. Nothing here answers any more once the process has ended. */
export interface ProgramContext {
  readonly nodeId: number
  /** 1 for the first life of the node. */
  readonly life: number
  /** The node of this process, as an embedding program has it. */
  readonly node: KeyValueStore & ClusterController
  /** The actors of this process. Those that are registered are reached from the other nodes, over the network of the simulation. */
  readonly actors: ActorSystem
  /** A stream of its own for each life. */
  readonly random: Random
  /** Milliseconds since the process started. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
}

export type Program = (context: ProgramContext) => Promise<void>

/** A process, from the moment it takes requests. */
export interface MachineProcess {
  readonly life: Life
  readonly server: NodeServer
}

/** Whatever was thrown, in words. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export interface ProgramsOptions {
  readonly seed: number
  readonly scheduler: Scheduler
  readonly fail: (error: Error) => void
  readonly recorder: (who: string) => Recorder
}

interface Entry {
  readonly nodeIds: readonly number[]
  readonly run: Program
}

export class Programs {
  readonly #options: ProgramsOptions
  readonly #entries = new Map<string, Entry>()
  readonly #lives = new Map<string, number>()

  constructor(options: ProgramsOptions) {
    this.#options = options
  }

  add(name: string, nodeIds: readonly number[], run: Program): void {
    if (this.#entries.has(name)) throw new Error(`there is a program ${name} already`)
    this.#entries.set(name, { nodeIds, run })
  }

  /** A process has opened. */
  startAll(nodeId: number, process: MachineProcess): void {
    for (const [name, { nodeIds }] of this.#entries) if (nodeIds.includes(nodeId)) this.startOne(name, nodeId, process)
  }

  startOne(name: string, nodeId: number, process: MachineProcess): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new Error(`there is no program ${name}`)
    const life = (this.#lives.get(`${name} ${nodeId}`) ?? 0) + 1
    this.#lives.set(`${name} ${nodeId}`, life)
    const context: ProgramContext = {
      nodeId,
      life,
      node: recorded(process.server.service, this.#options.recorder(`n${nodeId} ${name}`)),
      actors: process.server.actors,
      random: forkPrng(this.#options.seed, `program ${name} on ${nodeId}, life ${life}`),
      now: () => process.life.clock.now(),
      sleep: (ms) => new Promise((resolve) => void process.life.after(ms, resolve)),
    }
    // As an event of the process, so that a program begins after the node has opened, and never if it died before.
    process.life.after(0, () => {
      // A program may also throw before its first promise.
      const run = async (): Promise<void> => entry.run(context)
      run().catch((error: unknown) => {
        if (!process.life.alive) return
        this.#options.fail(new Error(`program ${name} on node ${nodeId}: ${wordsOf(error)}`, { cause: error }))
      })
    })
  }
}
