/**
 * The stores of a node that keeps everything in memory. They outlive the replica, though not the process: a voter that began again
 * without its vote and its log would vote twice.
 *
 * Invariant: what one opening has acknowledged is what the next one finds, and nothing of a former one reaches it. So there is one at a
 * time, and each takes everything away from the one before it.
 */
import { LANGUAGE } from '../../commands/index.ts'
import type { Language } from '../../commands/index.ts'
import { assert, AssertionError } from '../../lib/index.ts'
import type { RaftStores } from '../../node/index.ts'
import {
  MemoryDisk,
  MemoryLog,
  openMemoryStateMachine,
  openSnapshotFiles,
  readDivergence,
  TrustedStateMachine,
} from '../../storage/index.ts'
import type { MemoryStateMachine } from '../../storage/index.ts'
import { stateFindings } from './state-findings.ts'

/** What was opened last. */
interface Opened {
  readonly log: MemoryLog
  readonly engine: MemoryStateMachine
  /** Of the snapshots. */
  readonly disk: MemoryDisk
}

export class MemoryStores {
  readonly #defer: (run: () => void) => void
  #last: Opened | null = null
  /** Why they are not opened any more. */
  #refusal: Error | null = null

  /** @param defer runs what it is given later, in order */
  constructor(defer: (run: () => void) => void) {
    this.#defer = defer
  }

  /**
   * Opens them: empty at first, then with what was there when log and state were closed. Once that has failed, it fails for ever.
   * @throws AssertionError unless log and state of the last opening have closed, or when they were released; DistrustedLogError; StateError;
   * LaterVersion
   */
  open(language: Language = LANGUAGE): RaftStores {
    if (this.#refusal !== null) throw this.#refusal
    const last = this.#last
    const isFree = last === null || (last.log.isClosed && last.engine.isClosed)
    assert(isFree, 'the stores in memory are open: close log and state before they are opened again')
    try {
      return this.#openAfter(last, language)
    } catch (error) {
      this.#refusal = error as Error
      throw error
    }
  }

  /** Nothing is kept from now on. */
  release(): void {
    this.#last = null
    this.#refusal ??= new AssertionError('the stores in memory are gone: they were released')
  }

  #openAfter(last: Opened | null, language: Language): RaftStores {
    const defer = this.#defer
    const log = last?.log.handOver() ?? new MemoryLog(defer)
    const disk = last?.disk.handOver() ?? new MemoryDisk(defer)
    const divergence = readDivergence(disk)
    const snapshots = openSnapshotFiles(disk, { defer })
    const engine = openMemoryStateMachine({ snapshots, volatile: true, defer, language, from: last?.engine ?? null })
    this.#last = { log, engine, disk }
    const stateMachine = new TrustedStateMachine(engine, { disk, divergence, defer })
    return { log, stateMachine, snapshots, volumes: [], warnings: stateFindings(divergence, snapshots.damaged) }
  }
}
