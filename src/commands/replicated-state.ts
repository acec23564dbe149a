/**
 * What committed commands make of the state. It reads nothing but the rows, the command, its position in the log and the
 * time that it brings, so equal logs give equal states, whatever engine keeps the rows and however often it was restarted.
 */
import { AspenError } from '../api/index.ts'
import type { WriteLogId, WriteResult } from '../api/index.ts'
import { murmur64 } from '../lib/index.ts'
import type { Change } from './change.ts'
import { loadOrigin } from './cluster-origin.ts'
import type { ClusterOrigin } from './cluster-origin.ts'
import type { Command, Envelope } from './command.ts'
import { DigestedStore } from './digested-store.ts'
import { encodeCommand } from './envelope-codec.ts'
import type { Language } from './language.ts'
import { LaterVersion } from './later-version.ts'
import type { OrderedStore } from './ordered-store.ts'
import { addHash } from './row-hash.ts'
import { Sessions } from './sessions.ts'
import { loadMeta, metaHash, NEW_STATE, saveMeta } from './state-meta.ts'
import type { SavedMeta, StateMeta } from './state-meta.ts'
import { UserKeys } from './user-keys.ts'
import { LANGUAGE } from './version-1.ts'

/** What a command answers: its result, or why it was not applied, or why its result cannot be told. */
export type Applied = WriteResult | AspenError

export class ReplicatedState {
  readonly #store: OrderedStore
  readonly #rows: DigestedStore
  readonly #language: Language
  readonly #keys: UserKeys
  readonly #sessions: Sessions
  #revision: number
  #timeMs: number
  #clusterVersion: number
  #saved: SavedMeta
  /** Where the cluster comes from; undefined when it was founded with nothing. No command changes it. */
  readonly origin: ClusterOrigin | undefined

  /**
   * Goes on from what is in the store; an empty one gets its first row.
   * @throws LaterVersion when the state is of a version of the cluster that this language does not know
   */
  constructor(store: OrderedStore, language: Language = LANGUAGE) {
    this.#store = store
    this.#language = language
    const found = loadMeta(store)
    this.#saved = found ?? { ...NEW_STATE, rowsSum: 0 }
    if (found === undefined) saveMeta(store, this.#saved)
    this.#rows = new DigestedStore(store, this.#saved.rowsSum)
    this.#keys = new UserKeys(this.#rows)
    this.#sessions = new Sessions(this.#rows, language)
    this.#revision = this.#saved.revision
    this.#timeMs = this.#saved.timeMs
    this.#clusterVersion = this.#saved.clusterVersion
    this.origin = loadOrigin(store)
    if (this.#clusterVersion > language.version)
      throw new LaterVersion('the state of this node', this.#clusterVersion, language.version)
  }

  get meta(): StateMeta {
    return { revision: this.#revision, timeMs: this.#timeMs, clusterVersion: this.#clusterVersion }
  }

  /** Of all that is replicated: every row, and the facts beside them. Equal states have equal digests, whatever brought them about. */
  get digest(): number {
    return addHash(this.#rows.sum, metaHash(this.meta))
  }

  /** The sum of the hashes of the rows as it is kept while they are written. */
  get rowsSum(): number {
    return this.#rows.sum
  }

  /** All rows were counted anew: the digest is of what is there, whatever was written. */
  correct(kept: number, found: number): void {
    this.#rows.correct(kept, found)
  }

  /** Clients remembered. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** Applies a command at its position, and adds what it changed to `changes`, in order. */
  apply(envelope: Envelope, logId: WriteLogId, changes: Change[]): Applied {
    const { origin, command, wantsRevision, elapsedMs } = envelope
    this.#timeMs += elapsedMs
    if (origin === null) return told(this.#run(command, logId, changes), wantsRevision)
    const moment = { index: logId.index, timeMs: this.#timeMs }
    const digest = murmur64(encodeCommand(command, this.#language))
    const answer = this.#sessions.answer(origin, digest, moment)
    if (answer instanceof AspenError) return answer
    if (answer !== undefined) return told(answer, wantsRevision)
    const result = this.#run(command, logId, changes)
    this.#sessions.record(origin, digest, result, moment)
    return told(result, wantsRevision)
  }

  /** The cluster has this version from now on: it never goes down. The language knows it: see `decodeSetVersion`. */
  raiseVersion(version: number): void {
    this.#clusterVersion = Math.max(this.#clusterVersion, version)
  }

  /** Puts what is not in rows yet into a row: before the engine commits, and before a snapshot. */
  save(): void {
    const now: SavedMeta = { ...this.meta, rowsSum: this.#rows.sum }
    const { revision, timeMs, clusterVersion, rowsSum } = this.#saved
    const isSaved = now.revision === revision && now.timeMs === timeMs && now.clusterVersion === clusterVersion
    if (isSaved && now.rowsSum === rowsSum) return
    this.#saved = now
    saveMeta(this.#store, this.#saved)
  }

  #run(command: Command, logId: WriteLogId, changes: Change[]): WriteResult {
    this.#keys.begin(this.#revision + 1, changes)
    const txn = command.type === 'batch' ? this.#runBatch(command.operations) : this.#runTxn(command)
    if (this.#keys.changed) this.#revision++
    return txn === undefined ? { logId, revision: this.#revision } : { logId, revision: this.#revision, txn }
  }

  /** Operations run in order; each sees those before it. */
  #runBatch(operations: readonly { readonly type: string }[]): undefined {
    for (const operation of operations) this.#language.operation(operation.type).apply(operation, this.#keys)
  }

  #runTxn({ compare, then, else: otherwise }: Extract<Command, { type: 'txn' }>): NonNullable<WriteResult['txn']> {
    const keys = this.#keys
    const succeeded = compare.every((condition) => this.#language.condition(condition.type).holds(condition, keys))
    const results = (succeeded ? then : otherwise).map((operation) =>
      this.#language.operation(operation.type).apply(operation, keys),
    )
    // The language is a table over every operation: what it answers is one of the results there are.
    return { succeeded, results: results as NonNullable<WriteResult['txn']>['results'] }
  }
}

/** A transaction always tells the revision, other writes when they were asked to. */
function told(result: WriteResult, wantsRevision: boolean): WriteResult {
  return result.txn !== undefined || wantsRevision ? result : { logId: result.logId }
}
