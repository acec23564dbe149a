/** A system of actors, and a peer of it that a test speaks for, byte by byte. */
import assert from 'node:assert/strict'
import { ActorSystem } from '../../src/actor/index.ts'
import type { Remoting } from '../../src/actor/index.ts'
import { readBatch } from '../../src/actor/remote/read-batch.ts'
import { writeHello } from '../../src/actor/remote/write-statements.ts'
import type { ActorHello, Listener } from '../../src/actor/remote/statements.ts'
import { ByteWriter, concatBytes, Prng } from '../../src/lib/index.ts'
import type { Channel, ChannelHandler, Links, Metrics } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'

const PEER = 'b'.repeat(64)
/** What the peer calls its talk. */
const TALK = 77

/** What the node said, one entry for each statement: its kind and what it consists of. */
export type Said = readonly [kind: string, ...given: unknown[]]

export class RemotePeer {
  readonly clock = new ManualClock()
  readonly system = new ActorSystem({ clock: this.clock, random: new Prng(5) })
  readonly logged: string[] = []
  readonly refused: string[] = []
  /** Whether the configuration binds id 2 to the key of the peer. */
  isBound = true
  readonly remoting: Remoting
  /** The queue of the link takes nothing. */
  isFull = false
  #handler: ChannelHandler | null = null
  readonly #said: Said[] = []
  #talk = 0

  constructor() {
    const metrics: Metrics = {
      counter: (_name, labels) => ({ add: () => void this.refused.push(String(labels?.['reason'])) }),
      histogram: () => ({ observe: () => undefined }),
    }
    this.remoting = this.system.connect({
      links: this.#links(),
      nodeId: 1,
      endpointOf: (nodeId) => (nodeId === 2 && this.isBound ? PEER : null),
      nodeOf: (endpointId) => (endpointId === PEER && this.isBound ? 2 : null),
      logger: { log: (_level, _message, facts) => void this.logged.push(String(facts?.['reason'])) },
      metrics,
    })
    this.link()
  }

  #links(): Links {
    const channel: Channel = {
      send: (_to, parts) => {
        if (this.isFull) return false
        readBatch(concatBytes(parts), this.#listener())
        return true
      },
      detach: () => undefined,
    }
    return {
      endpointId: 'a'.repeat(64),
      attach: (_kind, handler) => {
        this.#handler = handler
        return channel
      },
      peers: () => [],
    }
  }

  #listener(): Listener {
    const note =
      (kind: string) =>
      (...given: unknown[]): void => {
        this.#said.push([kind, ...given])
        if (kind === 'hello') this.#talk = (given[0] as ActorHello).talk
      }
    const kinds = ['hello', 'bye', 'open', 'close', 'cast', 'call', 'answer', 'refusal', 'credit', 'watch', 'lives', 'group']
    const methods = Object.fromEntries(kinds.map((kind) => [kind, note(kind)]))
    return { ...(methods as unknown as Listener), listens: true }
  }

  link(): void {
    this.#handler?.opened({ endpointId: PEER, claims: { nodeId: 2, clusterId: null, addresses: [], languageVersion: 1 } })
    this.clock.settle()
  }

  unlink(): void {
    this.#handler?.closed(PEER, 'lost')
    this.clock.settle()
  }

  /** Everything said since the last time. */
  said(): Said[] {
    this.clock.settle()
    return this.#said.splice(0)
  }

  /** The kinds of what was said since the last time. */
  kinds(): string[] {
    return this.said().map(([kind]) => kind)
  }

  say(...statements: readonly ((writer: ByteWriter) => void)[]): void {
    const writer = new ByteWriter()
    for (const write of statements) write(writer)
    this.sayBytes(writer.finish())
  }

  sayBytes(bytes: Uint8Array): void {
    this.#handler?.message(PEER, bytes)
    this.clock.settle()
  }

  /** The hellos of both. */
  greet(credit: { readonly creditMessages?: number; readonly creditBytes?: number } = {}, hellos = 2): void {
    const { creditMessages = 1_000, creditBytes = 1_000_000 } = credit
    this.say((writer) => writeHello(writer, { talk: TALK, heard: this.#talk, creditMessages, creditBytes }))
    assert.equal(this.kinds().filter((kind) => kind === 'hello').length, hellos)
  }

  async rest(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      this.clock.settle()
      await Promise.resolve()
    }
  }
}
