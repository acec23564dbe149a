/**
 * The last writes of each client, remembered in the replicated state so that a repeated write is answered and not applied
 * again (Raft thesis 6.3). Success is answered only to the very command that took effect.
 *
 * Everything remembered is in rows; what stands here beside them is an index over those rows, and follows from them.
 */
import { AspenError } from '../api/index.ts'
import type { ClientSequence, WriteResult } from '../api/index.ts'
import { utf8Encode, utf8Decode } from '../lib/index.ts'
import type { Language } from './language.ts'
import { SPACES, systemRow } from './ordered-store.ts'
import type { RowStore, Row } from './ordered-store.ts'
import { decodeWriteResult, encodeWriteResult, foundBytes } from './result-codec.ts'
import {
  SESSION_EXPIRIES,
  SESSION_LIFE_MS,
  SESSION_RESULT_SIZE,
  SESSION_WINDOW,
  SESSION_WINDOW_BYTES,
  SESSIONS,
  SESSIONS_BYTES,
} from './semantics.ts'
import { decodeSession, decodeSessionHead, encodeSession, isSameCommand } from './session-codec.ts'
import type { Remembered, Session } from './session-codec.ts'
import { resultTooLarge } from './write-request.ts'

/** The position of a command in the log, and the replicated time it brings. */
export interface Moment {
  readonly index: number
  readonly timeMs: number
}

interface IndexedSession {
  readonly lastIndex: number
  readonly usedMs: number
  /** Of its row. */
  readonly bytes: number
}

const PAGE_ROWS = 1000
const PAGE_BYTES = 4 * 1024 * 1024

export class Sessions {
  readonly #store: RowStore
  readonly #language: Language
  /** In order of `lastIndex`: a session that is written moves to the end. */
  readonly #index = new Map<string, IndexedSession>()
  #bytes = 0

  constructor(store: RowStore, language: Language) {
    this.#store = store
    this.#language = language
    const found = [...allRows(store)].map((row) => {
      return { client: utf8Decode(row.key) ?? '', ...decodeSessionHead(row.value), bytes: row.key.length + row.value.length }
    })
    found.sort((a, b) => a.lastIndex - b.lastIndex)
    for (const { client, ...session } of found) this.#put(client, session)
  }

  get size(): number {
    return this.#index.size
  }

  /**
   * The answer to a command that was applied before, or the refusal of one that must not be applied; undefined when it
   * is new, and is to be applied and recorded.
   */
  answer({ client, sequence }: ClientSequence, digest: Uint8Array, { timeMs }: Moment): WriteResult | AspenError | undefined {
    const session = this.#find(client, timeMs)
    if (session === undefined) return sequence === 1 ? undefined : sessionUnknown(client, sequence)
    const remembered = session.window.find((one) => one.sequence === sequence)
    if (remembered !== undefined) return this.#repeat(remembered, digest)
    const highest = session.window.at(-1)?.sequence ?? 0
    return sequence > highest - SESSION_WINDOW ? undefined : sequencePassed(sequence, highest)
  }

  /** Remembers a command that was applied, and forgets what the bounds demand. */
  record({ client, sequence }: ClientSequence, digest: Uint8Array, result: WriteResult, { index, timeMs }: Moment): void {
    const before = this.#find(client, timeMs)?.window ?? []
    const window = [...before, { sequence, digest, ...this.#bounded(result) }].sort((a, b) => a.sequence - b.sequence)
    const highest = window.at(-1)?.sequence ?? 0
    const kept = window.filter((one) => one.sequence > highest - SESSION_WINDOW)
    this.#save(client, { lastIndex: index, usedMs: timeMs, window: this.#withinBytes(kept) })
    this.#forgetBeyondBounds(timeMs)
  }

  /** A session that has expired is as good as gone, though its row may still be there. */
  #find(client: string, timeMs: number): Session | undefined {
    const indexed = this.#index.get(client)
    if (indexed === undefined || isExpired(indexed, timeMs)) return undefined
    const row = this.#store.get(SPACES.sessions, utf8Encode(client))
    return row && decodeSession(row.value)
  }

  #repeat(remembered: Remembered, digest: Uint8Array): WriteResult | AspenError {
    if (!isSameCommand(remembered, digest)) return sequenceReused(remembered.sequence)
    const result = decodeWriteResult(remembered.result, this.#language)
    return remembered.isWhole ? result : resultTooLarge(result, 'what it found was too large to be remembered for a repetition')
  }

  #save(client: string, session: Session): void {
    const row = systemRow(utf8Encode(client), encodeSession(session))
    this.#store.put(SPACES.sessions, row)
    this.#drop(client)
    const { lastIndex, usedMs } = session
    this.#put(client, { lastIndex, usedMs, bytes: row.key.length + row.value.length })
  }

  #forgetBeyondBounds(timeMs: number): void {
    let expiries = 0
    for (const [client, session] of this.#index) {
      const tooMuch = this.#index.size > SESSIONS || this.#bytes > SESSIONS_BYTES
      if (!tooMuch && (expiries >= SESSION_EXPIRIES || !isExpired(session, timeMs))) return
      if (!tooMuch) expiries++
      // The one that was just written is the last: it stays whatever the others were.
      if (this.#index.size === 1) return
      this.#drop(client)
      this.#store.delete(SPACES.sessions, utf8Encode(client))
    }
  }

  #put(client: string, session: IndexedSession): void {
    this.#index.set(client, session)
    this.#bytes += session.bytes
  }

  #drop(client: string): void {
    this.#bytes -= this.#index.get(client)?.bytes ?? 0
    this.#index.delete(client)
  }

  /** Values alone may be a hundred megabytes: their size is looked at before they are encoded. */
  #bounded(result: WriteResult): Pick<Remembered, 'result' | 'isWhole'> {
    if (foundBytes(result, this.#language) <= SESSION_RESULT_SIZE) {
      const encoded = encodeWriteResult(result, this.#language)
      if (encoded.length <= SESSION_RESULT_SIZE) return { result: encoded, isWhole: true }
    }
    return { result: this.#bare(result), isWhole: false }
  }

  #bare({ txn, ...rest }: WriteResult): Uint8Array {
    const bare = txn === undefined ? rest : { ...rest, txn: { succeeded: txn.succeeded, results: [] } }
    return encodeWriteResult(bare, this.#language)
  }

  /** Forgets what the oldest writes found, until the rest is within the bound. */
  #withinBytes(window: readonly Remembered[]): Remembered[] {
    let excess = window.reduce((sum, { result }) => sum + result.length, 0) - SESSION_WINDOW_BYTES
    return window.map((one) => {
      if (excess <= 0 || !one.isWhole) return one
      const bare = this.#bare(decodeWriteResult(one.result, this.#language))
      if (bare.length === one.result.length) return one
      excess -= one.result.length - bare.length
      return { ...one, result: bare, isWhole: false }
    })
  }
}

function isExpired({ usedMs }: { readonly usedMs: number }, timeMs: number): boolean {
  return timeMs - usedMs > SESSION_LIFE_MS
}

function* allRows(store: RowStore): Generator<Row, void> {
  let start: Uint8Array = new Uint8Array(0)
  for (;;) {
    const { rows, more } = store.range(SPACES.sessions, { start, end: null }, PAGE_ROWS, PAGE_BYTES)
    yield* rows
    const last = rows.at(-1)
    if (!more || last === undefined) return
    start = Uint8Array.of(...last.key, 0)
  }
}

function sequenceReused(sequence: number): AspenError {
  return new AspenError(
    'SEQUENCE_REUSED',
    `sequence ${sequence} of this client belongs to another command, which took effect: this one was not applied; give every write a sequence of its own`,
    { sequence },
  )
}

function sequencePassed(sequence: number, highest: number): AspenError {
  return new AspenError(
    'SEQUENCE_PASSED',
    `this client has got to sequence ${highest}, and what became of ${sequence} is not remembered any more: this attempt was not applied`,
    { sequence, highest, window: SESSION_WINDOW },
  )
}

function sessionUnknown(client: string, sequence: number): AspenError {
  return new AspenError(
    'SESSION_UNKNOWN',
    `nothing is remembered of client ${JSON.stringify(client)}: it is new, or was not heard for long. Sequence ${sequence} was not applied; begin again with another client id and sequence 1, and wait for its answer before the next`,
    { sequence },
  )
}
