declare module 'bittorrent-dht' {
  import type { EventEmitter } from 'node:events'

  export interface Options {
    readonly bootstrap: readonly string[] | false
    /** What its socket is bound to. */
    readonly host?: string
    readonly verify: (signature: Uint8Array, message: Uint8Array, key: Uint8Array) => boolean
  }

  /** A node of the mainline DHT. */
  export class Client extends EventEmitter {
    constructor(options: Options)
    listen(port: number, address: string, done: () => void): void
    address(): { readonly port: number }
    addNode(node: { readonly host: string; readonly port: number }): void
    destroy(done: () => void): void
    get(
      target: Uint8Array,
      done: (error: Error | null, found: { readonly v: Uint8Array; readonly seq: number } | null) => void,
    ): void
  }
}
