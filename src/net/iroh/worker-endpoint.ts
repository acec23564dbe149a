import type * as Binding from '@number0/iroh/index.js'
import type { BiStream, Connection, Endpoint, Incoming } from '@number0/iroh/index.js'
import { toHex } from '../../lib/index.ts'
import { surface } from '../link/index.ts'
import { Late, within } from './late.ts'
import { remoteOfPaths, WorkerConnection } from './worker-connection.ts'
import { WorkerDials } from './worker-dials.ts'
import type { Dial } from './worker-dials.ts'
import type { FromWorker, WorkerSetup, ToWorker } from './worker-messages.ts'
import { firstLine, systemCode } from './words.ts'

/** The one stream that a connection has. */
const STREAMS = 1n
/** Between two looks at which way connections go. */
const LOOK_INTERVAL_MS = 1_000
const MAX_HINTED_RELAYS = 64
/** Until what is left of an endpoint is dropped. */
const CLOSE_TIMEOUT_MS = 2_000

interface Made {
  readonly connection: Connection
  readonly stream: BiStream
}

/** An iroh endpoint and its connections, as seen from within its worker. */
export class WorkerEndpoint {
  readonly #setup: WorkerSetup
  readonly #tell: (message: FromWorker) => void
  readonly #connections = new Map<number, WorkerConnection>()
  readonly #dials: WorkerDials
  /** Dials that have a connection, and wait for its stream. */
  readonly #opening = new Set<number>()
  /** Relays of peers, beside those of this node: as others say them, so that there is a bound. */
  readonly #hinted = new Set<string>()
  #binding: typeof Binding | undefined
  #endpoint: Endpoint | undefined
  #pending = 0
  #max: number
  #stopped = false
  /** Odd ids: those of dials, which the node draws, are even. */
  #nextId = 1

  constructor(setup: WorkerSetup, tell: (message: FromWorker) => void) {
    this.#setup = setup
    this.#tell = tell
    this.#max = setup.maxConnections
    this.#dials = new WorkerDials({
      connect: (dial) => this.#connect(dial),
      connected: (dial, connection) => surface(this.#open(dial, connection)),
      failed: ({ id }, message) => tell({ type: 'gone', id, code: 'ABORTED', message }),
    })
  }

  async bind(): Promise<void> {
    try {
      const binding = (await import('@number0/iroh/index.js')) as typeof Binding & { readonly default?: typeof Binding }
      this.#binding = binding.default ?? binding
    } catch (error) {
      this.#tell({ type: 'failed', code: 'NO_BINDING', message: firstLine(error) })
      return
    }
    try {
      this.#endpoint = await this.#build(this.#binding).bind()
    } catch (error) {
      this.#tell({ type: 'failed', code: systemCode(error), message: firstLine(error) })
      return
    }
    this.#tell({ type: 'bound', addresses: this.#endpoint.boundSockets() })
    setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref()
    await this.#acceptAll(this.#endpoint)
  }

  hear(message: ToWorker): void {
    if (message.type === 'begin') return
    if (message.type === 'dial') this.#dials.begin(message)
    else if (message.type === 'limit') this.#max = message.maxConnections
    else if (message.type === 'stop') this.#stopped = true
    else if (message.type === 'close') surface(this.close().then(() => this.#tell({ type: 'closed' })))
    else if (message.type === 'drop') this.#drop(message.id)
    else {
      const connection = this.#connections.get(message.id)
      if (message.type === 'write') connection?.write(message.bytes)
      else if (message.type === 'credit') connection?.credit(message.bytes)
      else connection?.finish()
    }
  }

  async close(): Promise<void> {
    this.#stopped = true
    for (const connection of [...this.#connections.values()]) connection.drop()
    if (this.#endpoint !== undefined) await within(CLOSE_TIMEOUT_MS, this.#endpoint.close()).catch(() => undefined)
  }

  #build({ Endpoint, presetMinimal, RelayMode, RelayMap }: typeof Binding): Binding.EndpointBuilder {
    const { seed, protocols, bind, relays } = this.#setup
    const builder = Endpoint.builder()
    presetMinimal(builder)
    // A map without relays asks nobody anything, and takes those that peers are reached through later on.
    builder.relayMode(RelayMode.custom(RelayMap.fromUrls([...relays])))
    builder.secretKey([...seed])
    builder.alpns(protocols.map((protocol) => [...Buffer.from(protocol)]))
    for (const address of bind) builder.bindAddr(address)
    return builder
  }

  async #acceptAll(endpoint: Endpoint): Promise<void> {
    for (;;) {
      const incoming = await endpoint.acceptNext()
      if (incoming === null) return
      // Each by itself: what fails for one must not end the loop.
      surface(this.#accept(incoming))
    }
  }

  async #accept(incoming: Incoming): Promise<void> {
    let remote: string | null = null
    this.#pending++
    try {
      remote = (await incoming.remoteAddr()).addr ?? null
      const isFull = this.#connections.size >= this.#max || this.#pending > this.#setup.maxPending
      if (isFull || this.#stopped) {
        if (isFull) this.#tell({ type: 'rejected', reason: 'OVERLOADED', remote })
        return await incoming.refuse()
      }
      this.#taken(await this.#takeInTime(incoming), remote)
    } catch (error) {
      this.#tell({ type: 'rejected', reason: error instanceof Late ? 'TIMEOUT' : 'QUIC_FAILED', remote })
    } finally {
      this.#pending--
    }
  }

  async #takeInTime(incoming: Incoming): Promise<Made> {
    const taking = this.#takeStream(incoming)
    try {
      return await within(this.#setup.connectTimeoutMs, taking)
    } catch (error) {
      // What comes after all is nobody's.
      taking.then(
        ({ connection }) => connection.close(0n, []),
        () => undefined,
      )
      throw error
    }
  }

  async #takeStream(incoming: Incoming): Promise<Made> {
    const connection = await (await incoming.accept()).connect()
    try {
      connection.setMaxConcurrentBiStreams(STREAMS)
      connection.setMaxConcurrentUniStreams(0n)
      // It is there when the peer has written to it, and the peer speaks first.
      const stream = await within(this.#setup.streamTimeoutMs, connection.acceptBi())
      return { connection, stream }
    } catch (error) {
      connection.close(0n, [])
      throw error
    }
  }

  #taken(made: Made, remote: string | null): void {
    const { connection: quic } = made
    if (this.#stopped) return quic.close(0n, [])
    const id = this.#nextId
    this.#nextId += 2
    const endpointId = toHex(Uint8Array.from(quic.remoteId().toBytes()))
    const protocol = Buffer.from(quic.alpn()).toString()
    const connection = this.#hold(id, made)
    this.#tell({ type: 'accepted', id, endpointId, protocol, remote, relayed: connection.relayed })
    connection.start()
  }

  async #connect({ endpointId, protocol, addresses, relay }: Dial): Promise<Connection> {
    if (this.#binding === undefined || this.#endpoint === undefined) throw new Error('the endpoint is not bound')
    const { EndpointAddr, EndpointId } = this.#binding
    const through = relay !== null && (await this.#useRelay(this.#endpoint, relay)) ? relay : null
    const address = new EndpointAddr(EndpointId.fromBytes([...Buffer.from(endpointId, 'hex')]), through, [...addresses])
    return await this.#endpoint.connect(address, [...Buffer.from(protocol)])
  }

  /** Makes the relay of a peer known to the endpoint; false when it cannot be one. */
  async #useRelay(endpoint: Endpoint, url: string): Promise<boolean> {
    if (this.#setup.relays.includes(url) || this.#hinted.has(url)) return true
    try {
      await endpoint.insertRelay({ url })
      this.#hinted.add(url)
      const [oldest = ''] = this.#hinted
      if (this.#hinted.size > MAX_HINTED_RELAYS && this.#hinted.delete(oldest)) await endpoint.removeRelay(oldest)
      return true
    } catch {
      return false
    }
  }

  async #open({ id }: Dial, quic: Connection): Promise<void> {
    this.#opening.add(id)
    try {
      const stream = await within(this.#setup.streamTimeoutMs, quic.openBi())
      if (!this.#opening.delete(id)) return quic.close(0n, [])
      const connection = this.#hold(id, { connection: quic, stream })
      this.#tell({ type: 'dialed', id, remote: remoteOfPaths(quic.paths()), relayed: connection.relayed })
      connection.start()
    } catch (error) {
      quic.close(0n, [])
      if (this.#opening.delete(id)) this.#tell({ type: 'gone', id, code: 'ABORTED', message: firstLine(error) })
    }
  }

  #look(): void {
    for (const connection of this.#connections.values()) connection.look()
  }

  #drop(id: number): void {
    this.#dials.giveUp(id)
    this.#opening.delete(id)
    this.#connections.get(id)?.drop()
  }

  #hold(id: number, made: Made): WorkerConnection {
    const connection = new WorkerConnection(id, made, this.#tell, () => this.#connections.delete(id))
    this.#connections.set(id, connection)
    return connection
  }
}
