import type { SignedRecord } from './signed-record.ts'

/** Where signed records are put and got: a relay, or the DHT. */
export interface RecordPlace {
  /** In words that follow "through", for people. */
  readonly name: string
  /** So many keys are looked for there at a time. */
  readonly concurrency: number
  /**
   * Puts a record of this node.
   * @param replaces the sequence of the record of it that is there, where a former attempt has found one
   * @throws PlaceError
   */
  put(record: SignedRecord, replaces: number | null): Promise<void>
  /** What this key has signed last, by what is found there; null when there is nothing. The signature is right. @throws PlaceError */
  get(endpointId: string): Promise<SignedRecord | null>
  /** What waits ends with an error. */
  close(): Promise<void>
}

/** Something was not put or got: in words. */
export class PlaceError extends Error {
  /** There is a newer record of this node, or somebody puts one at this moment. */
  readonly isConflict: boolean
  /** It is not to be tried again before, in milliseconds. */
  readonly retryAfterMs: number

  constructor(message: string, { isConflict = false, retryAfterMs = 0 } = {}) {
    super(message)
    this.name = 'PlaceError'
    this.isConflict = isConflict
    this.retryAfterMs = retryAfterMs
  }
}
