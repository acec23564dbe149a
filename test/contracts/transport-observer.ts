import assert from 'node:assert/strict'
import type { ChannelHandler, Claims, LinkEnd, LinkedPeer } from '../../src/ports/index.ts'

const DEADLINE_MS = 60_000

export type TransportEvent =
  | { readonly type: 'opened' | 'claimed'; readonly peer: string; readonly claims: Claims }
  | { readonly type: 'closed'; readonly peer: string; readonly end: LinkEnd }
  | { readonly type: 'refused'; readonly peer: string }
  | { readonly type: 'message'; readonly peer: string; readonly bytes: Uint8Array }

/** Writes down what a transport reports, and holds it to the rules that no single event shows. */
export class TransportObserver implements ChannelHandler {
  readonly events: TransportEvent[] = []
  /** Called on every message, after it has been written down. */
  onMessage: (peer: string, bytes: Uint8Array) => void = () => undefined
  readonly #open = new Set<string>()
  #calling = false
  #waiters: (() => void)[] = []

  /** Makes a call to the transport; nothing may be reported before it has returned. */
  calling<T>(call: () => T): T {
    this.#calling = true
    try {
      return call()
    } finally {
      this.#calling = false
    }
  }

  opened({ endpointId, claims }: LinkedPeer): void {
    assert.ok(!this.#open.has(endpointId), 'a link opened while another was open')
    this.#open.add(endpointId)
    this.#note({ type: 'opened', peer: endpointId, claims })
  }

  claimed({ endpointId, claims }: LinkedPeer): void {
    assert.ok(this.#open.has(endpointId), 'claims without a link')
    this.#note({ type: 'claimed', peer: endpointId, claims })
  }

  closed(endpointId: string, end: LinkEnd): void {
    assert.ok(this.#open.delete(endpointId), 'a link closed that was not open')
    this.#note({ type: 'closed', peer: endpointId, end })
  }

  refused(endpointId: string): void {
    assert.ok(!this.#open.has(endpointId), 'refused while linked')
    this.#note({ type: 'refused', peer: endpointId })
  }

  message(endpointId: string, bytes: Uint8Array): void {
    assert.ok(this.#open.has(endpointId), 'a message without a link')
    this.#note({ type: 'message', peer: endpointId, bytes })
    this.onMessage(endpointId, bytes)
  }

  /** What happened, without the bytes of messages. */
  get history(): string[] {
    return this.events.map((event) => (event.type === 'closed' ? `closed ${event.end}` : event.type))
  }

  /** The same without messages. */
  get linkHistory(): string[] {
    return this.history.filter((event) => event !== 'message')
  }

  count(event: string): number {
    return this.history.filter((each) => each === event).length
  }

  messages(): Uint8Array[] {
    return this.events.flatMap((event) => (event.type === 'message' ? [event.bytes] : []))
  }

  /** Resolves as soon as the condition holds after an event. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    while (!condition()) {
      const left = deadline - performance.now()
      if (left <= 0)
        assert.fail(`${what} did not happen; seen: ${this.linkHistory.join(', ')} and ${this.messages().length} messages`)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, left)
      this.#waiters.push(resolve)
      await promise
      clearTimeout(timer)
    }
  }

  async seen(event: string, times = 1): Promise<void> {
    await this.until(() => this.count(event) >= times, `${event} x ${times}`)
  }

  #note(event: TransportEvent): void {
    assert.ok(!this.#calling, `${event.type} was reported from inside a call to the transport`)
    this.events.push(event)
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

/** Looks again until the condition holds, for what no event tells. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!condition()) {
    if (performance.now() > deadline) assert.fail(`${what} did not happen`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
