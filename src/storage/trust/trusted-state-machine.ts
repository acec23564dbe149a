/**
 * A state machine that can lose the trust of its node: from then on, in later lives too, it is nothing but a position in the log and a
 * membership, until a snapshot of the leader has replaced it.
 *
 * Invariant: while it awaits a snapshot nothing is read from the state, applied to it, or taken from it.
 */
import type { KeyValue, ScanRange } from '../../api/index.ts'
import { NEW_STATE } from '../../commands/index.ts'
import type { RowHead, Rows } from '../../commands/index.ts'
import { assert } from '../../lib/index.ts'
import type {
  AppliedBatch,
  Disk,
  Done,
  StateDigest,
  StateEngine,
  StateInfo,
  StateMachine,
  StoredSnapshot,
} from '../../ports/index.ts'
import type { Entry } from '../../raft/index.ts'
import { StateError } from '../state/index.ts'
import { clearDivergence, markDivergence } from './divergence-mark.ts'
import type { Divergence } from './divergence-mark.ts'

export interface TrustedStateOptions {
  /** That of the snapshots. */
  readonly disk: Disk
  /** What was found there. */
  readonly divergence: Divergence | null
  /** Runs a completion after the call at hand has returned. */
  readonly defer: (run: () => void) => void
}

export class TrustedStateMachine implements StateMachine {
  readonly #engine: StateEngine
  readonly #options: TrustedStateOptions
  #divergence: Divergence | null
  /** No snapshot is begun any more: it would be later than the mark, and be believed. */
  #marking = false

  constructor(engine: StateEngine, options: TrustedStateOptions) {
    this.#engine = engine
    this.#options = options
    this.#divergence = options.divergence
  }

  get awaitsSnapshot(): boolean {
    return this.#divergence !== null
  }

  get opensFromSnapshot(): boolean {
    return this.#engine.opensFromSnapshot
  }

  /** What is written last: it goes on as before until the node stops, and is not believed at its next start. */
  distrust(clusterId: string, done: Done): void {
    const { applied: last, membership, ...info } = this.info()
    assert(membership !== null, 'whoever has diverged has had a membership')
    this.#marking = true
    markDivergence(this.#options.disk, { ...info, clusterId, last, membership }, done)
  }

  info(): StateInfo {
    if (this.#divergence === null) return this.#engine.info()
    const { last: applied, membership, membershipIndex, clusterVersion } = this.#divergence
    const nothing = { keys: 0, bytes: 0, systemRows: 0, systemBytes: 0 }
    return { ...NEW_STATE, ...nothing, applied, membership, membershipIndex, clusterVersion }
  }

  apply(entries: readonly Entry[]): AppliedBatch {
    return this.#trusted.apply(entries)
  }

  flush(): void {
    if (this.#divergence === null) this.#engine.flush()
  }

  digest(): StateDigest {
    return this.#trusted.digest()
  }

  get(key: Uint8Array): KeyValue | undefined {
    return this.#trusted.get(key)
  }

  head(key: Uint8Array): RowHead | undefined {
    return this.#trusted.head(key)
  }

  scan(range: ScanRange, limit: number, maxBytes: number): Rows {
    return this.#trusted.scan(range, limit, maxBytes)
  }

  durableIndex(): number {
    return this.#divergence === null ? this.#engine.durableIndex() : 0
  }

  checkpoint(done: Done): void {
    if (this.#divergence === null && !this.#marking) this.#engine.checkpoint(done)
    else this.#options.defer(() => done())
  }

  takeSnapshot(clusterId: string, done: (error: Error | undefined, snapshot?: StoredSnapshot) => void): void {
    if (this.#divergence === null && !this.#marking) return this.#engine.takeSnapshot(clusterId, done)
    const message = 'the state of this node is not believed: it waits for a snapshot of the leader'
    this.#options.defer(() => done(new StateError('NOTHING_TO_SNAPSHOT', 'state', message)))
  }

  audit(done: (error: Error | undefined, isSound?: boolean) => void): void {
    if (this.#divergence === null) this.#engine.audit(done)
    else this.#options.defer(() => done(undefined, true))
  }

  restore(snapshot: StoredSnapshot, done: Done): void {
    this.#engine.restore(snapshot, (error) => {
      if (error !== undefined || this.#divergence === null) return done(error)
      clearDivergence(this.#options.disk, (failure) => {
        if (failure === undefined) this.#divergence = null
        done(failure)
      })
    })
  }

  close(done: Done): void {
    this.#engine.close(done)
  }

  get #trusted(): StateEngine {
    assert(this.#divergence === null, 'a state that stood against a majority is not used')
    return this.#engine
  }
}
