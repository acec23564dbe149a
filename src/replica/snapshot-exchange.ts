import type { Done, Logger, LogStore, SnapshotStore, StateMachine, StoredSnapshot, Timer } from '../ports/index.ts'
import type { HardState, NodeId, Raft, SnapshotMeta } from '../raft/index.ts'
import type { PeerMessage, SnapshotChunk, SnapshotProgress } from '../wire/index.ts'
import type { Compactor } from './compactor.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'
import { SnapshotSender } from './snapshot-sender.ts'

/** Snapshots that have arrived and wait for the log; the store keeps two. */
const MAX_UNRESTORED = 2

export interface SnapshotExchangeOptions {
  readonly nodeId: NodeId
  readonly raft: Raft
  readonly log: LogStore
  readonly stateMachine: StateMachine
  readonly snapshots: SnapshotStore
  readonly compactor: Compactor
  readonly logger: Logger
  readonly now: () => number
  readonly setTimer: (delayMs: number, run: () => void) => Timer
  readonly send: (to: NodeId, message: PeerMessage) => boolean
  /** The disk failed. */
  readonly failed: (error: Error) => void
  /** Feeds the core, and has a turn follow. */
  readonly input: (run: () => void) => void
  /** The state is that of this snapshot now. */
  readonly restored: (snapshot: StoredSnapshot) => void
}

/** Snapshots between nodes: the leader's are offered to those that need one, and one that has arrived replaces log and state. */
export class SnapshotExchange {
  readonly #options: SnapshotExchangeOptions
  readonly #sender: SnapshotSender
  readonly #receiver: SnapshotReceiver
  /** Whole, durable, and not restored yet: a second one can arrive while the first waits for the log. */
  #arrived: StoredSnapshot[] = []
  /** For each peer that is to get a snapshot: a position that lies in it. The entries behind are needed next. */
  readonly #promised = new Map<NodeId, number>()

  constructor(options: SnapshotExchangeOptions) {
    this.#options = options
    const { nodeId, snapshots, now, setTimer, send, logger } = options
    this.#sender = new SnapshotSender({
      nodeId,
      snapshots,
      now,
      setTimer,
      send,
      ended: (to) => this.#onEnded(to),
      unreadable: (to, error) =>
        logger.log('warn', 'a snapshot could not be read for a peer', { peer: to, reason: error.message }),
    })
    this.#receiver = new SnapshotReceiver({
      nodeId,
      snapshots,
      send: (to, progress) => void send(to, progress),
      arrived: (from, term, snapshot) => this.#onArrived(from, term, snapshot),
      rejected: (error) => logger.log('warn', 'a snapshot was not taken in', { reason: error.message }),
      failed: options.failed,
    })
  }

  /** Transfers begun since the start. */
  get sent(): number {
    return this.#sender.started
  }

  get busy(): boolean {
    return this.#sender.busy
  }

  /** A peer that gets a snapshot now will need the entries behind this position; infinite when none does. */
  get promisedIndex(): number {
    return Math.min(...this.#promised.values(), Number.POSITIVE_INFINITY)
  }

  /** Brings a snapshot to a peer whose next entries are purged. */
  offer(to: NodeId): void {
    const { raft, snapshots, stateMachine, compactor, input, logger } = this.#options
    const { term } = raft
    const newest = snapshots.newest()
    if (newest !== null && newest.last.index >= raft.purgedTo.index) {
      this.#begin(to, term, newest)
      return
    }
    // It will be taken here or later.
    this.#promised.set(to, stateMachine.info().applied.index)
    compactor.takeSnapshot((error, snapshot) => {
      input(() => {
        if (error === undefined && snapshot !== undefined) this.#begin(to, term, snapshot)
        else {
          logger.log('error', 'a snapshot for a lagging peer could not be taken', { peer: to, reason: error?.message })
          this.#onEnded(to)
        }
      })
    })
  }

  #begin(to: NodeId, term: number, snapshot: StoredSnapshot): void {
    const { raft } = this.#options
    if (raft.role !== 'leader' || raft.term !== term || this.#sender.has(to)) return
    this.#promised.set(to, snapshot.last.index)
    this.#sender.start(to, term, snapshot)
  }

  #onEnded(to: NodeId): void {
    const { raft, input } = this.#options
    this.#promised.delete(to)
    input(() => raft.snapshotEnded(to))
  }

  /** Only the leader of the present term is listened to; not while snapshots wait to be restored, for the store keeps few. */
  chunk(chunk: SnapshotChunk): void {
    const { raft } = this.#options
    if (this.#arrived.length >= MAX_UNRESTORED) return
    if (chunk.term === raft.term && chunk.from === raft.leader) this.#receiver.receive(chunk)
  }

  progressed(progress: SnapshotProgress): void {
    this.#sender.progressed(progress)
  }

  acknowledged(peer: NodeId, match: number): void {
    this.#sender.acknowledged(peer, match)
  }

  linkClosed(peer: NodeId): void {
    this.#sender.linkClosed(peer)
  }

  expire(now: number): void {
    this.#sender.expire(now)
  }

  /** This node does not lead any more. */
  stopSending(): void {
    this.#sender.stop()
    this.#promised.clear()
  }

  #onArrived(from: NodeId, term: number, snapshot: StoredSnapshot): void {
    const { raft, nodeId, input } = this.#options
    input(() => {
      const { purgedTo } = raft
      raft.step({ type: 'snapshot', from, to: nodeId, term, snapshot })
      // Unless the log agrees with it already, or has more, it begins behind the snapshot now.
      if (raft.purgedTo !== purgedTo) this.#arrived.push(snapshot)
    })
  }

  /**
   * Brings log and state to the snapshot that has arrived. Log first, state second: a crash between the two finds the
   * snapshot ahead of the state, and finishes the job.
   */
  restore(meta: SnapshotMeta, hardState: HardState, done: Done): void {
    const { index, term } = meta.last
    const snapshot = this.#arrived.find(({ last }) => last.index === index && last.term === term)
    const ended: Done = (error) => {
      // Not before: while it is read the store must not be given others to keep in its place.
      this.#arrived = this.#arrived.filter(({ last }) => last.index > index)
      done(error)
    }
    if (snapshot === undefined) {
      ended(new Error(`no snapshot at entry ${index} of term ${term} has arrived`))
      return
    }
    const { log, stateMachine } = this.#options
    log.reset(snapshot.last, hardState, snapshot.clusterId, (error) => {
      if (error === undefined) stateMachine.restore(snapshot, (failure) => this.#onRestored(snapshot, failure, ended))
      else ended(error)
    })
  }

  #onRestored(snapshot: StoredSnapshot, error: Error | undefined, done: Done): void {
    if (error === undefined) {
      this.#options.restored(snapshot)
      this.#options.logger.log('info', 'a snapshot was installed', { index: snapshot.last.index, bytes: snapshot.sizeBytes })
    }
    done(error)
  }
}
