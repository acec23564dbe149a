/** Systems of actors on several nodes, linked in memory, on one clock that a test moves. */
import { ActorSystem } from '../../src/actor/index.ts'
import type { Remoting, ThreadPort } from '../../src/actor/index.ts'
import { Prng } from '../../src/lib/index.ts'
import type { Logger } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { MemoryNetwork } from '../memory-network/memory-network.ts'
import type { MemoryTransport } from '../memory-network/memory-transport.ts'

/** Promises that follow each other within what is due. */
const PROMISES_DEEP = 20

export interface RemoteNode {
  readonly id: number
  readonly system: ActorSystem
  readonly transport: MemoryTransport
  readonly said: string[]
}

export interface RemoteWorldOptions {
  /** Versions of the protocol, by node id. */
  readonly versions?: Readonly<Record<number, { readonly min: number; readonly max: number }>>
  /** Nodes whose actors take no part before {@link RemoteWorld.connect}. */
  readonly without?: readonly number[]
  readonly threads?: ThreadPort
}

export class RemoteWorld {
  readonly clock = new ManualClock()
  readonly network = new MemoryNetwork(this.clock)
  readonly #nodes = new Map<number, RemoteNode>()
  readonly #remotings = new Map<number, Remoting>()
  readonly #ids: readonly number[]
  readonly #options: RemoteWorldOptions
  #starts = 0

  constructor(ids: readonly number[], options: RemoteWorldOptions = {}) {
    this.#ids = ids
    this.#options = options
    for (const id of ids) this.start(id)
  }

  /** A node comes to life, with an empty system. */
  start(id: number): RemoteNode {
    const transport = this.network.createTransport({ endpointId: keyOf(id), cookie: 'c' }, `memory:${id}`)
    const system = new ActorSystem({
      clock: this.clock,
      random: new Prng(1000 * id + ++this.#starts),
      ...(this.#options.threads === undefined ? {} : { threads: this.#options.threads }),
    })
    const node: RemoteNode = { id, system, transport, said: [] }
    this.#nodes.set(id, node)
    if (this.#options.without?.includes(id) !== true) this.connect(id)
    transport.start({ nodeId: id, clusterId: 'c', addresses: [], languageVersion: 1 }).catch((error: unknown) => {
      throw error
    })
    for (const other of this.#ids) {
      if (other !== id) transport.connect({ endpointId: keyOf(other), addresses: [`memory:${other}`], relay: null })
    }
    return node
  }

  /** The actors of a node take part. */
  connect(id: number): void {
    const { system, transport, said } = this.node(id)
    const logger: Logger = { log: (_level, message, facts) => void said.push(`${message}: ${String(facts?.['reason'])}`) }
    const versions = this.#options.versions?.[id]
    const remoting = system.connect({
      links: transport,
      nodeId: id,
      endpointOf: (nodeId) => (this.#ids.includes(nodeId) ? keyOf(nodeId) : null),
      nodeOf: (endpointId) => this.#ids.find((nodeId) => keyOf(nodeId) === endpointId) ?? null,
      logger,
      ...(versions === undefined ? {} : { versions }),
    })
    this.#remotings.set(id, remoting)
  }

  node(id: number): RemoteNode {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  remoting(id: number): Remoting {
    const remoting = this.#remotings.get(id)
    if (remoting === undefined) throw new Error(`the actors of node ${id} take no part`)
    return remoting
  }

  kill(id: number): void {
    this.network.kill(keyOf(id))
  }

  cut(a: number, b: number): void {
    this.network.cut(keyOf(a), keyOf(b))
  }

  heal(a: number, b: number): void {
    this.network.heal(keyOf(a), keyOf(b))
  }

  lose(a: number, b: number): void {
    this.network.lose(keyOf(a), keyOf(b))
  }

  /** Everything that is due happens, also behind promises. */
  async rest(): Promise<void> {
    for (let i = 0; i < PROMISES_DEEP; i++) {
      this.clock.settle()
      await Promise.resolve()
    }
  }

  async pass(ms: number): Promise<void> {
    await this.rest()
    for (let passed = 0; passed < ms; passed += 5) {
      this.clock.advance(Math.min(5, ms - passed))
      await this.rest()
    }
  }
}

export function keyOf(id: number): string {
  return id.toString(16).padStart(64, '0')
}
