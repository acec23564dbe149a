/** Those of the clients of a simulated cluster that ask over HTTP. */
import { chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { ClientRequest } from './client-requests.ts'
import type { SimCluster } from './cluster.ts'
import { HttpClient } from './http-client.ts'
import type { Performed } from './http-client.ts'
import type { HttpNetwork } from './http-network.ts'
import type { SimNode } from './sim-node.ts'

export interface HttpClientsOptions {
  readonly cluster: SimCluster
  readonly network: HttpNetwork
  readonly random: Random
  /** How many clients there are, of any kind; the last of them ask over HTTP. */
  readonly clients: number
}

export class HttpClients {
  readonly #surroundings: Omit<HttpClientsOptions, 'clients'>
  readonly #first: number
  readonly #clients = new Map<number, HttpClient>()
  #asked: () => readonly SimNode[]
  #generation = 0
  #pending = 0

  constructor({ clients, ...surroundings }: HttpClientsOptions) {
    this.#surroundings = surroundings
    const { cluster } = surroundings
    const { httpClients } = cluster.weather
    this.#first = clients + 1 - (httpClients === 0 ? 0 : Math.max(1, Math.round(clients * httpClients)))
    this.#asked = () => cluster.nodes
  }

  /** Requests not yet answered. */
  get pending(): number {
    return this.#pending
  }

  /** Whether this client asks over HTTP. */
  serves(client: number): boolean {
    return client >= this.#first
  }

  /** From now on clients know these nodes alone, and the network is sound. */
  heal(asked: () => readonly SimNode[]): void {
    this.#asked = asked
    this.#clients.clear()
    this.#generation++
    this.#surroundings.network.heal()
  }

  /** The process of a node is about to end. */
  crashed(node: SimNode): void {
    this.#surroundings.network.crashed(node)
  }

  /** Calls `done` once, in a turn of the event loop; false when there is no node to ask. */
  ask(client: number, request: ClientRequest, done: (performed: Performed) => void): boolean {
    const asker = this.#client(client)
    if (asker === null) return false
    const { turns } = this.#surroundings.cluster
    this.#pending++
    this.#perform(asker, request, done).catch((error: unknown) => turns.fail(error))
    turns.ask()
    return true
  }

  async #perform(asker: HttpClient, request: ClientRequest, done: (performed: Performed) => void): Promise<void> {
    const performed = await asker.perform(request)
    this.#pending--
    done(performed)
  }

  /** A client knows all nodes, or some. */
  #client(client: number): HttpClient | null {
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const { random } = this.#surroundings
    const nodes = [...this.#asked()]
    if (nodes.length === 0) return null
    const chosen: SimNode[] = []
    const count = chance(random, 0.5) ? nodes.length : randomBetween(random, 1, nodes.length)
    while (chosen.length < count) {
      const node = pick(random, nodes)
      nodes.splice(nodes.indexOf(node), 1)
      chosen.push(node)
    }
    const fresh = new HttpClient(`h${client}.${this.#generation}`, chosen, this.#surroundings)
    this.#clients.set(client, fresh)
    return fresh
  }
}
