/** The last write of each client, for answers to repeated writes, within the bounds of a real node. */
import type { ClientSequence, WriteResult } from '../api/index.ts'
import { MAX_CLIENT_SESSIONS } from '../limits.ts'
import { decodeWriteResult, encodeWriteResult } from '../wire/index.ts'

/** A larger result of a transaction is remembered without the results of its operations, as real nodes do. */
const MAX_REMEMBERED_RESULT = 64 * 1024
/** The same for one that would take all that is remembered past this. */
const MAX_REMEMBERED_BYTES = 16 * 1024 * 1024

interface Session {
  readonly sequence: number
  /** Encoded: what the caller does with its result changes nothing here. */
  readonly result: Uint8Array
}

/** Bytes of keys and values that the gets of a transaction found. */
export function foundBytes({ txn }: WriteResult): number {
  let found = 0
  for (const one of txn?.results ?? []) {
    if (one.type === 'get' && one.entry !== null) found += one.entry.key.length + one.entry.value.length
  }
  return found
}

export class InMemorySessions {
  /** The client whose last write is the oldest comes first. */
  readonly #sessions = new Map<string, Session>()
  #bytes = 0

  /** The answer to a write that took effect before; undefined when this one is new. */
  repeated({ client, sequence }: ClientSequence): WriteResult | undefined {
    const last = this.#sessions.get(client)
    if (last === undefined || sequence > last.sequence) return undefined
    const result = decodeWriteResult(last.result.slice())
    // What became of an older one is forgotten, but not that it was done before the last.
    return sequence === last.sequence ? result : { logId: result.logId }
  }

  record({ client, sequence }: ClientSequence, result: WriteResult): void {
    this.#forget(client)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size >= MAX_CLIENT_SESSIONS && oldest !== undefined) this.#forget(oldest)
    const remembered = this.#bounded(result)
    this.#sessions.set(client, { sequence, result: remembered })
    this.#bytes += remembered.length
  }

  #forget(client: string): void {
    this.#bytes -= this.#sessions.get(client)?.result.length ?? 0
    this.#sessions.delete(client)
  }

  #bounded(result: WriteResult): Uint8Array {
    if (result.txn === undefined) return encodeWriteResult(result)
    const bare = { logId: result.logId, txn: { succeeded: result.txn.succeeded, results: [] } }
    if (foundBytes(result) > MAX_REMEMBERED_RESULT) return encodeWriteResult(bare)
    const encoded = encodeWriteResult(result)
    const fits = encoded.length <= MAX_REMEMBERED_RESULT && this.#bytes + encoded.length <= MAX_REMEMBERED_BYTES
    return fits ? encoded : encodeWriteResult(bare)
  }
}
