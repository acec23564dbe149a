import type { ClientSequence, Data, WriteCommand } from './commands.ts'

/** The position of a write in the replicated log. */
export interface WriteLogId {
  readonly term: number
  readonly index: number
}

/**
 * A key with its value. Revisions count the writes that changed a key, from 2 for the first; they are no positions in the
 * log. A write of several keys has one revision.
 */
export interface KeyValue {
  readonly key: Uint8Array
  readonly value: Uint8Array
  /** The revision of the write that created the key, since it last did not exist. */
  readonly createRevision: number
  /** The revision of the last write to the key. */
  readonly modRevision: number
  /** The number of writes to the key since it was created, from 1. */
  readonly version: number
}

/** What one operation of a transaction found or did, in the order of the operations of the branch taken. */
export type OperationResult =
  | { readonly type: 'set' }
  | { readonly type: 'delete'; readonly deleted: boolean }
  | { readonly type: 'get'; readonly entry: KeyValue | null }

export interface WriteResult {
  readonly logId: WriteLogId
  /** Of the store right after this write; for a transaction, and where it was asked for. */
  readonly revision?: number
  /** For a transaction: whether all conditions held, and the results of the branch taken. */
  readonly txn?: { readonly succeeded: boolean; readonly results: readonly OperationResult[] }
}

/** Keys from `start` (inclusive) to `end` (exclusive), in byte order; null means the end of the key space. */
export interface ScanRange {
  readonly start: Uint8Array
  readonly end: Uint8Array | null
}

/** Either a prefix, or a range; neither means every key. */
export interface ScanRequest {
  readonly prefix?: Data
  /** First key, inclusive. */
  readonly start?: Data
  /** Last key, exclusive. */
  readonly end?: Data
  /** 1 to 1000; 100 when absent. A page may be shorter and still not be the last. */
  readonly limit?: number
  /** The opaque token of the page before, with the same prefix or range. */
  readonly token?: string
}

export interface ScanPage {
  readonly entries: readonly KeyValue[]
  /** Give it back for the next page; null on the last page. */
  readonly token: string | null
}

export interface RequestOptions {
  /** Milliseconds until the outcome is reported as unknown; 5000 when absent. */
  readonly timeoutMs?: number
}

export interface WriteOptions extends RequestOptions {
  readonly origin?: ClientSequence
  /** Whether the result carries the revision: then it comes once the write is applied, a little later. False when absent. */
  readonly revision?: boolean
}

/**
 * The ordered, linearizable key-value store. Keys are ordered by their bytes.
 *
 * Every method rejects with an AspenError; OUTCOME_UNKNOWN from `write` means that it may or may not take effect.
 *
 * @example
 * const { logId } = await store.write({ Set: { key: 'hello', value: 'world' } })
 * const entry = await store.read('hello')
 */
export interface KeyValueStore {
  write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult>
  /** The newest value, or undefined when the key does not exist. Linearizable. */
  read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined>
  /** One page of keys. Each page is linearizable by itself. */
  scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage>
}
