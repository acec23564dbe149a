/** What is used of the binding, so that the sources compile where it is not installed. Bytes cross as arrays of numbers, and as nothing else. */
declare module '@number0/iroh/index.js' {
  type Bytes = number[]

  export class EndpointId {
    static fromBytes(bytes: Bytes): EndpointId
    toBytes(): Bytes
  }

  export interface EndpointAddr {
    id(): EndpointId
  }
  export const EndpointAddr: new (id: EndpointId, relayUrl: string | null, addresses: string[] | null) => EndpointAddr

  export class SendStream {
    writeAll(bytes: Bytes): Promise<void>
    finish(): Promise<void>
    /** When the peer has everything, or wants no more. */
    stopped(): Promise<number | null>
  }

  export class RecvStream {
    /** Nothing at the end of the stream. */
    read(sizeLimit: number): Promise<Bytes>
  }

  export class BiStream {
    get send(): SendStream
    get recv(): RecvStream
  }

  export interface PathSnapshot {
    isSelected: boolean
    isRelay: boolean
    remoteAddr: string
  }

  export class Connection {
    alpn(): Bytes
    remoteId(): EndpointId
    openBi(): Promise<BiStream>
    acceptBi(): Promise<BiStream>
    closed(): Promise<string>
    close(errorCode: bigint, reason: Bytes): void
    paths(): PathSnapshot[]
    setMaxConcurrentUniStreams(count: bigint): void
    setMaxConcurrentBiStreams(count: bigint): void
  }

  export class Accepting {
    connect(): Promise<Connection>
  }

  export class Incoming {
    accept(): Promise<Accepting>
    refuse(): Promise<void>
    remoteAddr(): Promise<{ kind: string; addr?: string }>
  }

  export class Endpoint {
    static builder(): EndpointBuilder
    boundSockets(): string[]
    connect(addr: EndpointAddr, alpn: Bytes): Promise<Connection>
    acceptNext(): Promise<Incoming | null>
    insertRelay(config: { url: string }): Promise<void>
    removeRelay(url: string): Promise<boolean>
    close(): Promise<void>
  }

  export class EndpointBuilder {
    secretKey(bytes: Bytes): void
    alpns(alpns: Bytes[]): void
    relayMode(mode: RelayMode): void
    bindAddr(addr: string): void
    bind(): Promise<Endpoint>
  }

  export interface RelayMap {
    urls(): string[]
  }
  export const RelayMap: { fromUrls(urls: string[]): RelayMap }

  export interface RelayMode {
    relayMap(): RelayMap
  }
  export const RelayMode: { custom(map: RelayMap): RelayMode }

  export function presetMinimal(builder: EndpointBuilder): void
}
