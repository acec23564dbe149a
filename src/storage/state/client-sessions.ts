/**
 * The last write of each client, remembered in the replicated state so that a repeated write is answered and not
 * applied again (Raft thesis 6.3). Bounded by number and by bytes; what is dropped depends on the log alone.
 */
import type { ClientSequence, WriteResult } from '../../api/index.ts'
import { MAX_CLIENT_SESSIONS } from '../../limits.ts'
import { decodeWriteResult, encodeWriteResult } from '../../wire/index.ts'

/** Results of transactions above this size are remembered without the results of their operations. */
export const MAX_SESSION_RESULT_SIZE: number = 64 * 1024
/** Bytes of all remembered results; a result that would pass it is remembered without the results of its operations. */
export const MAX_SESSION_RESULT_BYTES: number = 16 * 1024 * 1024

/** What is remembered of one client. */
export interface ClientSession {
  readonly client: string
  /** The sequence of its last write. */
  readonly sequence: number
  /** The log index of that write. */
  readonly lastIndex: number
  /** That write's encoded result. */
  readonly result: Uint8Array
}

/** Told of every change, so that it can be stored in the same transaction as the keys. */
export interface SessionTable {
  save(session: ClientSession): void
  remove(client: string): void
}

export class ClientSessions {
  /** In order of `lastIndex`: a session that is written moves to the end. */
  readonly #sessions = new Map<string, ClientSession>()
  readonly #table: SessionTable | undefined
  #resultBytes = 0

  /** Begins with the stored sessions, in order of `lastIndex`. */
  constructor(stored: Iterable<ClientSession> = [], table?: SessionTable) {
    this.#table = table
    for (const session of stored) this.#put(session)
  }

  get size(): number {
    return this.#sessions.size
  }

  /** In order of `lastIndex`. */
  values(): Iterable<ClientSession> {
    return this.#sessions.values()
  }

  /**
   * The answer to a write that was applied before, or undefined when this one is new. A repetition of the last write
   * gets that write's result. A sequence below the last was applied long ago (a client has one write in flight), and its
   * own result is forgotten: it gets the log id of the client's last write, which came after it.
   */
  repeated(origin: ClientSequence): WriteResult | undefined {
    const session = this.#sessions.get(origin.client)
    if (session === undefined || origin.sequence > session.sequence) return undefined
    const result = decodeWriteResult(session.result)
    return origin.sequence === session.sequence ? result : { logId: result.logId }
  }

  /** Remembers a client's newest write; past the bound, forgets the client whose last write is the oldest. */
  record(origin: ClientSequence, result: WriteResult): void {
    this.#forget(origin.client)
    if (this.#sessions.size >= MAX_CLIENT_SESSIONS) this.#evictOldest()
    const session = {
      client: origin.client,
      sequence: origin.sequence,
      lastIndex: result.logId.index,
      result: this.#encodeBounded(result),
    }
    this.#put(session)
    this.#table?.save(session)
  }

  #put(session: ClientSession): void {
    this.#sessions.set(session.client, session)
    this.#resultBytes += session.result.length
  }

  #forget(client: string): void {
    const session = this.#sessions.get(client)
    if (session === undefined) return
    this.#resultBytes -= session.result.length
    this.#sessions.delete(client)
  }

  #evictOldest(): void {
    for (const client of this.#sessions.keys()) {
      this.#forget(client)
      this.#table?.remove(client)
      return
    }
  }

  #encodeBounded(result: WriteResult): Uint8Array {
    if (result.txn === undefined) return encodeWriteResult(result)
    const bare = { logId: result.logId, txn: { succeeded: result.txn.succeeded, results: [] } }
    // Values alone may be a hundred megabytes: look before encoding them.
    if (valueBytes(result) > MAX_SESSION_RESULT_SIZE) return encodeWriteResult(bare)
    const encoded = encodeWriteResult(result)
    const fits = encoded.length <= MAX_SESSION_RESULT_SIZE && this.#resultBytes + encoded.length <= MAX_SESSION_RESULT_BYTES
    return fits ? encoded : encodeWriteResult(bare)
  }
}

function valueBytes(result: WriteResult): number {
  let bytes = 0
  for (const operation of result.txn?.results ?? []) {
    if (operation.type === 'get' && operation.entry !== null) bytes += operation.entry.value.length
  }
  return bytes
}
