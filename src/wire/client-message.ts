/** What a client and a node say to each other over a link of the protocol `aspen/client/1`. */
import type { ErrorDetails, KeyValue, ScanPage, ScanRequest, WriteResult } from '../api/index.ts'

/** The ALPN name of client links. Messages that an older end could not read need a new number. */
export const CLIENT_PROTOCOL = 'aspen/client/1'

interface Request {
  /** Chosen by the client and echoed in the answer. Answers come in any order. */
  readonly id: number
  /** Milliseconds that the node may take. */
  readonly timeoutMs: number
}

export interface ClientWrite extends Request {
  readonly type: 'write'
  /** An encoded command envelope. */
  readonly envelope: Uint8Array
}

export interface ClientRead extends Request {
  readonly type: 'read'
  readonly key: Uint8Array
}

export interface ClientScan extends Request {
  readonly type: 'scan'
  readonly request: ScanRequest
}

export type ClientRequest = ClientWrite | ClientRead | ClientScan

/** A request of which only the head could be read: it can be refused by its id. */
export interface UnreadableRequest {
  readonly type: 'unreadable'
  readonly id: number
  readonly problem: string
}

export interface ClientError {
  readonly type: 'error'
  readonly id: number
  /** A code of the catalogue of the node that answers, which may be newer than this program. */
  readonly code: string
  readonly message: string
  readonly details: ErrorDetails
}

export type ClientAnswer =
  | { readonly type: 'written'; readonly id: number; readonly result: WriteResult }
  | { readonly type: 'found'; readonly id: number; readonly entry: KeyValue | null }
  | { readonly type: 'page'; readonly id: number; readonly page: ScanPage }
  | ClientError
  /** The node's last message: whatever it has not answered by now, it has not looked at and never will. */
  | { readonly type: 'drained' }
