import { assert } from '../../src/lib/index.ts'
import type { Clock } from '../../src/ports/index.ts'
import { LinkError, refusalError } from '../../src/net/link/link-error.ts'
import { MemoryTransport } from './memory-transport.ts'
import type { MemoryTransportOptions } from './memory-transport.ts'

/** What became of a dial. */
export type MemoryDialResult = MemoryTransport | { readonly error: Error; readonly refused: boolean }

/**
 * A network within one process, for tests and examples: the same contract as real links, without sockets, keys or
 * time of its own. What is sent in one turn arrives in the next.
 */
export class MemoryNetwork {
  readonly clock: Clock
  readonly #listeners = new Map<string, MemoryTransport>()
  readonly #cuts = new Set<string>()
  #ports = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** A node that listens at `address`, such as its predecessor's, or at one of its own. */
  createTransport(options: MemoryTransportOptions, address?: string): MemoryTransport {
    return new MemoryTransport(this, address ?? `memory:${++this.#ports}`, options)
  }

  /** Loses the links between two nodes and lets no dial through, until `heal`. */
  cut(a: string, b: string): void {
    this.#cuts.add(pairOf(a, b))
    this.lose(a, b)
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(pairOf(a, b))
  }

  /** Loses the link between two nodes once; they may make another. */
  lose(a: string, b: string): void {
    for (const transport of this.#listeners.values()) {
      if (transport.endpointId === a) transport.loseLink(b)
    }
  }

  /** Loses one end of the link between two nodes: that of the first. */
  loseAt(a: string, b: string): void {
    for (const transport of this.#listeners.values()) {
      if (transport.endpointId === a) transport.linkLost(b)
    }
  }

  /** Stops a node as a crash would: its links are lost, and its address refuses. */
  kill(endpointId: string): void {
    for (const transport of this.#listeners.values()) {
      if (transport.endpointId === endpointId) transport.crash()
    }
  }

  listen(address: string, transport: MemoryTransport): void {
    assert(!this.#listeners.has(address), `${address} is taken`)
    this.#listeners.set(address, transport)
  }

  unlisten(address: string): void {
    this.#listeners.delete(address)
  }

  /** Tries the addresses in turn for a node with this key that takes the dialer. */
  dial(from: MemoryTransport, endpointId: string, addresses: readonly string[]): MemoryDialResult {
    let refused = addresses.length > 0
    let error: Error = new LinkError('ABORTED', 'there is no address to dial')
    for (const address of addresses) {
      const target = this.#listeners.get(address)
      if (target === undefined) {
        error = Object.assign(new Error(`nothing listens at ${address}`), { code: 'ECONNREFUSED' })
        continue
      }
      refused = false
      if (this.#cuts.has(pairOf(from.endpointId, target.endpointId))) {
        error = new LinkError('TIMEOUT', `${address} did not answer`)
        continue
      }
      const refusal = checkPeer(from, target, endpointId)
      if (refusal === undefined) return target
      error = refusal
    }
    return { error, refused }
  }
}

function checkPeer(from: MemoryTransport, target: MemoryTransport, expected: string): LinkError | undefined {
  if (target.endpointId === from.endpointId) return refusalError('SELF', false)
  if (target.endpointId !== expected) return refusalError('KEY_MISMATCH', false)
  return target.refusalFor(from)
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}
