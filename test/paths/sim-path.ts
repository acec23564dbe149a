import { Duplex } from 'node:stream'
import { dialHandshake, HandshakeStream } from '../../src/net/link/index.ts'
import type { Carrier, DialAttempt, DialResult, HandshakeSelf, Routes } from '../../src/net/link/index.ts'
import type { ConnectionStats, PathKind } from '../../src/ports/index.ts'
import type { ManualClock } from '../manual-clock.ts'

const DIAL_TIMEOUT_MS = 5_000

/** A way between nodes, in virtual time: bytes arrive in order after its latency, or when it is no longer stalled. */
export class SimPath {
  readonly name: Carrier['name']
  readonly clock: ManualClock
  readonly #latencyMs: number
  readonly #carriers = new Map<string, SimCarrier>()
  readonly #sockets = new Set<SimSocket>()
  readonly #crashed = new Set<string>()
  #stalled = false
  #held: (() => void)[] = []
  /** What has arrived over it: calls, pieces of streams, and their ends. */
  delivered = 0

  constructor(name: Carrier['name'], clock: ManualClock, latencyMs: number) {
    this.name = name
    this.clock = clock
    this.#latencyMs = latencyMs
  }

  get listeners(): number {
    return this.#carriers.size
  }

  carrier(endpointId: string): SimCarrier {
    return new SimCarrier(this, endpointId)
  }

  stall(stalled: boolean): void {
    this.#stalled = stalled
    // In order, and before what is sent from now on.
    while (!this.#stalled && this.#held.length > 0) this.#held.shift()?.()
  }

  /** Every connection over it breaks, and both ends are told. */
  reset(): void {
    for (const socket of this.#sockets) socket.break()
  }

  /** A node is no longer there, and dials nobody. Whoever dials it directly is told so; over iroh nobody answers. */
  crash(endpointId: string): void {
    this.#carriers.delete(endpointId)
    this.#crashed.add(endpointId)
    for (const socket of this.#sockets) {
      if (socket.owner === endpointId) socket.vanish(this.name === 'direct')
    }
  }

  deliver(run: () => void): void {
    this.clock.setTimer(this.#latencyMs, () => {
      if (this.#stalled) this.#held.push(run)
      else {
        this.delivered++
        run()
      }
    })
  }

  listen(carrier: SimCarrier): void {
    this.#carriers.set(carrier.endpointId, carrier)
  }

  unlisten(carrier: SimCarrier): void {
    if (this.#carriers.get(carrier.endpointId) === carrier) this.#carriers.delete(carrier.endpointId)
  }

  /** A connection from one node to the other; null where nobody listens. */
  open(from: string, to: string, protocol: string): SimSocket | null {
    const accept = this.#carriers.get(to)?.routes.get(protocol)
    if (accept === undefined || this.#crashed.has(from)) return null
    const [near, far] = [new SimSocket(this, from), new SimSocket(this, to)]
    near.other = far
    far.other = near
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    }
    accept({ socket: far, endpointId: from, remote: from, admit: () => undefined })
    return near
  }
}

class SimSocket extends Duplex {
  readonly owner: string
  other: SimSocket | undefined
  readonly #path: SimPath
  #gone = false

  constructor(path: SimPath, owner: string) {
    super()
    this.#path = path
    this.owner = owner
  }

  break(): void {
    this.#gone = true
    this.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
  }

  vanish(tells: boolean): void {
    this.#gone = true
    const { other } = this
    if (tells) this.#path.deliver(() => other?.break())
    this.destroy()
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    const [bytes, { other }] = [Uint8Array.from(chunk), this]
    this.#path.deliver(() => void (other?.destroyed === false && other.push(bytes)))
    done()
  }

  override _final(done: () => void): void {
    const { other } = this
    this.#path.deliver(() => void (other?.destroyed === false && other.push(null)))
    done()
  }

  override _read(): void {}

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { other } = this
    if (!this.#gone) this.#path.deliver(() => void other?.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' })))
    done(error)
  }
}

export class SimCarrier implements Carrier {
  readonly name: Carrier['name']
  readonly endpointId: string
  readonly #path: SimPath
  routes: Routes = new Map()

  constructor(path: SimPath, endpointId: string) {
    this.name = path.name
    this.endpointId = endpointId
    this.#path = path
  }

  async start(routes: Routes): Promise<void> {
    this.routes = routes
    this.#path.listen(this)
  }

  addresses(): readonly string[] {
    return [`${this.name}.sim:1`]
  }

  reaches({ addresses }: Pick<DialAttempt, 'addresses'>): boolean {
    return addresses.some((address) => this.name === 'direct' || address.startsWith('sim:'))
  }

  async dial(self: HandshakeSelf, attempt: DialAttempt): Promise<DialResult> {
    const { promise: given, reject } = Promise.withResolvers<never>()
    const giveUp = (): void => reject(Object.assign(new Error('no answer'), { code: 'TIMEOUT' }))
    const begun = this.#path.clock.now()
    const late = this.#path.clock.setTimer(DIAL_TIMEOUT_MS, giveUp)
    attempt.signal.addEventListener('abort', giveUp)
    let socket: SimSocket | null = null
    try {
      const { promise, resolve } = Promise.withResolvers<SimSocket | null>()
      // Nobody is called where the dial was given up on the way.
      const { clock } = this.#path
      const isLate = (): boolean => attempt.signal.aborted || clock.now() >= begun + DIAL_TIMEOUT_MS
      this.#path.deliver(() => {
        if (!isLate()) resolve(this.#path.open(this.endpointId, attempt.endpointId, self.protocol))
      })
      socket = await Promise.race([promise, given])
      if (socket === null) {
        if (this.name === 'iroh') await given
        return { error: Object.assign(new Error('nothing listens'), { code: 'ECONNREFUSED' }), remote: null, refused: true }
      }
      const stream = new HandshakeStream(socket)
      const peer = await Promise.race([dialHandshake(stream, self, attempt.endpointId, attempt.beforeProof), given])
      return { linked: { socket, peer, remote: null, readAhead: stream.release() } }
    } catch (error) {
      socket?.on('error', () => undefined).destroy()
      return { error: error as Error, remote: null, refused: false }
    } finally {
      late.cancel()
      attempt.signal.removeEventListener('abort', giveUp)
    }
  }

  pathOf(): PathKind {
    return this.name === 'direct' ? 'direct' : 'iroh-direct'
  }

  readonly stats: ConnectionStats = { open: 0, pending: 0, max: 500, accepted: 0, refused: 0 }

  limit(): void {}

  stop(): void {
    this.#path.unlisten(this)
  }

  async close(): Promise<void> {
    this.stop()
  }
}
