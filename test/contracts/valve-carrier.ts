import type { Duplex } from 'node:stream'
import type { Carrier, DialAttempt, DialResult, HandshakeSelf, KeyedConnection, Routes } from '../../src/net/link/index.ts'
import type { ConnectionStats, PathKind } from '../../src/ports/index.ts'
import { Valve } from './valve.ts'

/** A carrier whose connections to each peer can be held up, and lost at either end. */
export class ValveCarrier implements Carrier {
  readonly name: Carrier['name']
  readonly #inner: Carrier
  readonly #valves = new Map<string, Set<Valve>>()
  readonly #stalled = new Map<string, PromiseWithResolvers<void>>()
  readonly #unreachable = new Set<string>()

  constructor(inner: Carrier) {
    this.#inner = inner
    this.name = inner.name
  }

  stall(peer: string, stalled: boolean): void {
    for (const valve of this.#valves.get(peer) ?? []) valve.stall(stalled)
    const waiting = this.#stalled.get(peer)
    this.#stalled.delete(peer)
    if (stalled) this.#stalled.set(peer, waiting ?? Promise.withResolvers())
    else waiting?.resolve()
  }

  /** This end of every connection to the peer is gone; the other one is not told. */
  lose(peer: string): void {
    for (const valve of this.#valves.get(peer) ?? []) valve.lose()
  }

  /** Nothing is heard of the peer any more, nor said to it. */
  forget(peer: string, unreachable: boolean): void {
    if (!unreachable) this.#unreachable.delete(peer)
    else this.#unreachable.add(peer)
  }

  start(routes: Routes): Promise<void> {
    const through = (accept: (connection: KeyedConnection) => void) => (connection: KeyedConnection) => {
      if (this.#unreachable.has(connection.endpointId)) connection.socket.destroy()
      else accept({ ...connection, socket: this.#valve(connection.endpointId, connection.socket) })
    }
    return this.#inner.start(new Map(Array.from(routes, ([protocol, accept]) => [protocol, through(accept)])))
  }

  addresses(): readonly string[] {
    return this.#inner.addresses()
  }

  reaches(target: DialAttempt): boolean {
    return this.#inner.reaches(target)
  }

  async dial(self: HandshakeSelf, attempt: DialAttempt): Promise<DialResult> {
    await this.#stalled.get(attempt.endpointId)?.promise
    if (this.#unreachable.has(attempt.endpointId)) return { error: new Error('nobody is there'), remote: null, refused: false }
    const result = await this.#inner.dial(self, attempt)
    if (result.linked === undefined) return result
    return { linked: { ...result.linked, socket: this.#valve(attempt.endpointId, result.linked.socket) } }
  }

  pathOf(socket: Duplex): PathKind {
    return this.#inner.pathOf(socket instanceof Valve ? socket.inner : socket)
  }

  get stats(): ConnectionStats {
    return this.#inner.stats
  }

  limit(max: number): void {
    this.#inner.limit(max)
  }

  stop(): void {
    this.#inner.stop()
  }

  close(): Promise<void> {
    for (const waiting of this.#stalled.values()) waiting.resolve()
    return this.#inner.close()
  }

  #valve(peer: string, socket: Duplex): Valve {
    const valve = new Valve(socket)
    const valves = this.#valves.get(peer) ?? new Set()
    this.#valves.set(peer, valves.add(valve))
    valve.once('close', () => valves.delete(valve))
    return valve
  }
}
