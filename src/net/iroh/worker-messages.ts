/** What passes between a node and the process that its iroh endpoint lives in. */

export interface WorkerSetup {
  /** The node's key: 32 bytes. Secret. */
  readonly seed: Uint8Array
  /** The ALPN names of what is served. */
  readonly protocols: readonly string[]
  /** `host:port`, one for each address family. */
  readonly bind: readonly string[]
  /** Relays to be reached through; without any, nothing is asked of anybody. */
  readonly relays: readonly string[]
  readonly maxConnections: number
  readonly maxPending: number
  /** From a connection to its stream, each way. */
  readonly connectTimeoutMs: number
  readonly streamTimeoutMs: number
}

export type ToWorker =
  /** The first word. */
  | { readonly type: 'begin'; readonly setup: WorkerSetup }
  | {
      readonly type: 'dial'
      readonly id: number
      readonly endpointId: string
      readonly protocol: string
      readonly addresses: readonly string[]
      readonly relay: string | null
    }
  | { readonly type: 'write'; readonly id: number; readonly bytes: Uint8Array }
  /** So many bytes more may be read ahead. */
  | { readonly type: 'credit'; readonly id: number; readonly bytes: number }
  /** Nothing more is written; `finished` when the peer has it all. */
  | { readonly type: 'finish'; readonly id: number }
  /** The connection is closed, or the dial is given up. */
  | { readonly type: 'drop'; readonly id: number }
  | { readonly type: 'limit'; readonly maxConnections: number }
  /** No more connections are taken. */
  | { readonly type: 'stop' }
  | { readonly type: 'close' }

/** Why the worker took no connection of somebody. */
export type IrohRejection = 'OVERLOADED' | 'TIMEOUT' | 'QUIC_FAILED'

export type FromWorker =
  | { readonly type: 'bound'; readonly addresses: readonly string[] }
  | { readonly type: 'failed'; readonly code: string | null; readonly message: string }
  | {
      readonly type: 'accepted'
      readonly id: number
      readonly endpointId: string
      readonly protocol: string
      readonly remote: string | null
      readonly relayed: boolean
    }
  | { readonly type: 'rejected'; readonly reason: IrohRejection; readonly remote: string | null }
  | { readonly type: 'dialed'; readonly id: number; readonly remote: string | null; readonly relayed: boolean }
  | { readonly type: 'bytes'; readonly id: number; readonly bytes: Uint8Array }
  /** The peer writes no more. */
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'written'; readonly id: number; readonly bytes: number }
  | { readonly type: 'finished'; readonly id: number }
  | { readonly type: 'path'; readonly id: number; readonly relayed: boolean }
  /** The connection is lost, or was not made. */
  | { readonly type: 'gone'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly type: 'closed' }

/** Bytes that may be on their way from one side of the worker to the other. */
export const WORKER_WINDOW_BYTES: number = 128 * 1024
