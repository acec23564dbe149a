/** What makes proven connections to the nodes that it reaches, and takes those that they make: one for each way there is between nodes. */
import type { Duplex } from 'node:stream'
import type { ConnectionStats, PathKind } from '../../ports/index.ts'
import type { HandshakeSelf, ProvenPeer } from './handshake.ts'

export type CarrierName = 'direct' | 'iroh'

/** A connection that others have made, and that has proven the other end's key; the rest is to be proven over it. */
export interface KeyedConnection {
  readonly socket: Duplex
  readonly endpointId: string
  /** Where its other end is, for people; null when that is not known. */
  readonly remote: string | null
  /** To be called once the peer has proven everything. */
  readonly admit: () => void
}

/** By the ALPN name of each protocol that is served. */
export type Routes = ReadonlyMap<string, (connection: KeyedConnection) => void>

export interface DialAttempt {
  readonly endpointId: string
  /** `host:port` */
  readonly addresses: readonly string[]
  /** The relay that the peer is reached through; null when it has none, or that is not known. */
  readonly relay: string | null
  readonly signal: AbortSignal
  /** Called right before the proof leaves. */
  readonly beforeProof: () => void
}

/** A connection that has become a link: nobody listens to the socket yet. */
export interface DialedLink<S extends Duplex = Duplex> {
  readonly socket: S
  readonly peer: ProvenPeer
  readonly remote: string | null
  /** Bytes of the link that came together with the handshake's last. */
  readonly readAhead: Uint8Array
}

/** Who listens at an address. It has proven its key, and nothing else. */
export interface FoundPeer {
  readonly endpointId: string
  /** `host:port` */
  readonly address: string
}

export type DialResult<S extends Duplex = Duplex> =
  | { readonly linked: DialedLink<S> }
  | {
      readonly linked?: undefined
      /** Why, at each address; its code is that of the address that came furthest. */
      readonly error: Error
      /** That address, or the name that was not found; null when there was none. */
      readonly remote: string | null
      /** Every address was refused: nobody listens there. */
      readonly refused: boolean
      /** Who proved another key at these addresses than that of the peer. */
      readonly others?: readonly FoundPeer[]
    }

export interface Carrier {
  readonly name: CarrierName
  /** Takes connections; resolves when others can make them. Rejects with the system's error when what it listens at cannot be had. */
  start(routes: Routes): Promise<void>
  /** Where others can dial, `host:port`; nothing before it has started. */
  addresses(): readonly string[]
  /** Whether there is anything to dial for this peer. */
  reaches(target: Pick<DialAttempt, 'addresses' | 'relay'>): boolean
  /** One attempt, by every address once. `self` says which protocol. */
  dial(self: HandshakeSelf, attempt: DialAttempt): Promise<DialResult>
  /** What carries the bytes of a connection, which may change while it lives. */
  pathOf(socket: Duplex): PathKind
  readonly stats: ConnectionStats
  /** How many connections there may be from now on. Those there are stay. */
  limit(max: number): void
  /** Takes no more connections, and drops whoever was not admitted yet. Resolves when nothing of it is left; links are to be ended before. */
  close(): Promise<void>
  /** Stops taking connections, at once. */
  stop(): void
}
