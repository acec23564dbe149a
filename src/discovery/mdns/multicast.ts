/**
 * Multicast DNS sockets (RFC 6762): one that hears, of all interfaces, for the system hands every packet to every socket anyway; and one for each
 * interface to speak on, from its own address.
 */
import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { interfacesNow } from '../../machine/index.ts'

const GROUP = '224.0.0.251'
export const MDNS_PORT = 5353
/** What is said at the end is waited for so long. */
const LAST_WORDS_MS = 250
/** It never leaves the network (RFC 6762, section 11). */
const TTL = 255

/** One that has an IPv4 address: that is what is spoken over. */
export interface Interface {
  readonly name: string
  /** What is spoken from. */
  readonly address: string
  /** All that it has, IPv6 as well. */
  readonly addresses: readonly string[]
  /** Those of its neighbours, each `address/bits`. */
  readonly networks: readonly string[]
}

/** Those that there are now. */
export function listInterfaces(): Interface[] {
  return Object.entries(interfacesNow()).flatMap(([name, infos = []]) => {
    const [first] = infos.filter(({ family }) => family === 'IPv4')
    if (first === undefined) return []
    const addresses = infos.map(({ address }) => address)
    return [{ name, address: first.address, addresses, networks: infos.flatMap(({ cidr }) => cidr ?? []) }]
  })
}

export interface Multicast {
  /** Hears and speaks on these interfaces from now on, and on no others. */
  use(interfaces: readonly Interface[]): void
  /** Says something on one of them; what cannot be said is told to `failed`. */
  say(address: string, bytes: Uint8Array): void
  /** Hears and says nothing until the next `use`. */
  rest(): void
  close(): Promise<void>
}

export interface MulticastListener {
  heard(bytes: Buffer, from: string): void
  /** Something is wrong with an interface, by its address, or with hearing at all: null. It is tried again at the next `use`. */
  failed(address: string | null, error: Error): void
  /** It works. */
  works(address: string | null): void
}

export type OpenMulticast = (listener: MulticastListener) => Multicast

/** Over sockets of this machine. */
export class MulticastSockets implements Multicast {
  readonly #listener: MulticastListener
  readonly #port: number
  #ear: Socket | null = null
  #isBound = false
  /** By address. */
  readonly #mouths = new Map<string, Socket>()
  readonly #joined = new Set<string>()
  /** What was said and has not left: a socket that is closed takes it along. */
  readonly #leaving = new Set<Promise<void>>()
  #wanted: readonly Interface[] = []
  #isClosed = false

  constructor(listener: MulticastListener, port: number = MDNS_PORT) {
    this.#listener = listener
    this.#port = port
  }

  use(interfaces: readonly Interface[]): void {
    if (this.#isClosed) return
    this.#wanted = interfaces
    const wanted = new Set(interfaces.map(({ address }) => address))
    for (const [address, mouth] of this.#mouths) if (!wanted.has(address)) this.#shut(address, mouth)
    for (const address of this.#joined) if (!wanted.has(address)) this.#leave(address)
    this.#hear()
    for (const { address } of interfaces) if (!this.#mouths.has(address)) this.#speakOn(address)
  }

  say(address: string, bytes: Uint8Array): void {
    const mouth = this.#mouths.get(address)
    if (mouth === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#leaving.add(promise)
    mouth.send(bytes, this.#port, GROUP, (error) => {
      this.#leaving.delete(promise)
      resolve()
      if (error !== null && this.#mouths.get(address) === mouth) this.#lost(address, mouth, error)
    })
  }

  #hear(): void {
    if (this.#ear !== null) return this.#join()
    const ear = createSocket({ type: 'udp4', reuseAddr: true })
    this.#ear = ear
    ear.on('error', (error) => {
      if (this.#ear !== ear) return
      this.#shutEar(ear)
      this.#listener.failed(null, error)
    })
    ear.on('message', (bytes: Buffer, { address }: RemoteInfo) => this.#listener.heard(bytes, address))
    // Bound to the group, it hears nothing that is sent to this machine alone.
    ear.bind({ port: this.#port, address: GROUP }, () => {
      if (this.#ear !== ear) return
      this.#isBound = true
      this.#join()
    })
  }

  #join(): void {
    if (this.#ear === null || !this.#isBound) return
    for (const { address } of this.#wanted) {
      try {
        // Again for those that have joined: an interface that went and came back between two looks has lost its membership, and nobody says so.
        this.#ear.addMembership(GROUP, address)
        this.#joined.add(address)
        this.#listener.works(null)
      } catch (error) {
        const isMember = this.#joined.has(address) && (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
        if (!isMember) this.#listener.failed(address, error as Error)
      }
    }
  }

  #leave(address: string): void {
    this.#joined.delete(address)
    try {
      this.#ear?.dropMembership(GROUP, address)
    } catch {
      // With the interface its membership is gone.
    }
  }

  #speakOn(address: string): void {
    const mouth = createSocket({ type: 'udp4', reuseAddr: true })
    this.#mouths.set(address, mouth)
    mouth.on('error', (error) => this.#lost(address, mouth, error))
    // What is said to this machine alone is heard here.
    mouth.on('message', (bytes: Buffer, { address: from }: RemoteInfo) => this.#listener.heard(bytes, from))
    mouth.bind({ port: this.#port, address }, () => {
      if (this.#mouths.get(address) !== mouth) return
      try {
        mouth.setMulticastInterface(address)
        mouth.setMulticastTTL(TTL)
        // Others on this machine are to hear it.
        mouth.setMulticastLoopback(true)
      } catch (error) {
        return this.#lost(address, mouth, error as Error)
      }
      this.#listener.works(address)
    })
  }

  #lost(address: string, mouth: Socket, error: Error): void {
    if (this.#mouths.get(address) !== mouth) return
    this.#shut(address, mouth)
    this.#listener.failed(address, error)
  }

  #shut(address: string, mouth: Socket): void {
    this.#mouths.delete(address)
    mouth.close()
  }

  #shutEar(ear: Socket): void {
    this.#ear = null
    this.#isBound = false
    this.#joined.clear()
    ear.close()
  }

  /** They have left, or may not: a socket that was given up says nothing of what it had to send. */
  async #lastWords(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LAST_WORDS_MS)))
    await Promise.race([Promise.all(this.#leaving), late])
    clearTimeout(timer)
    this.#leaving.clear()
  }

  rest(): void {
    if (this.#ear !== null) this.#shutEar(this.#ear)
    for (const [address, mouth] of this.#mouths) this.#shut(address, mouth)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#lastWords()
    const sockets = [...this.#mouths.values(), ...(this.#ear === null ? [] : [this.#ear])]
    this.#mouths.clear()
    this.#ear = null
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
  }
}
