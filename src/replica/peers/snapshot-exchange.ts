import { LaterVersion } from '../../commands/index.ts'
import type { Done, StoredSnapshot } from '../../ports/index.ts'
import type { HardState, NodeId, SnapshotMeta } from '../../raft/index.ts'
import type { SnapshotChunk, SnapshotProgress, SnapshotWanted } from '../../wire/index.ts'
import type { PeerSender, ReplicaStores, Snapshots, TurnContext } from '../turn/index.ts'
import { READ_TIMEOUT_MS } from '../../limits.ts'
import { SnapshotReceiver } from './snapshot-receiver.ts'
import type { ReceiptListener, WholeSnapshot } from './snapshot-receiver.ts'
import { SnapshotSender } from './snapshot-sender.ts'
import type { SendingListener } from './snapshot-sender.ts'

/** Snapshots that have arrived and wait for the log; the store keeps two. */
const MAX_UNRESTORED = 2
/** How often the leader is asked for a snapshot, in milliseconds. */
const ASK_INTERVAL_MS = 1_000
/** How often a sender is told that its snapshot is being restored: it gives up one of which it hears nothing. */
const REPORT_INTERVAL_MS = READ_TIMEOUT_MS / 4

type ExchangeContext = TurnContext<
  'input' | 'guard' | 'fail',
  'id' | 'role' | 'term' | 'leader' | 'purgedTo' | 'step' | 'snapshotEnded'
>

/** Snapshots between nodes: the leader's are offered to those that need one, and one that has arrived replaces log and state. */
export class SnapshotExchange implements SendingListener, ReceiptListener {
  readonly #context: ExchangeContext
  readonly #stores: ReplicaStores
  readonly #snapshots: Pick<Snapshots, 'take'>
  readonly #sender: SnapshotSender
  readonly #receiver: SnapshotReceiver
  readonly #peers: PeerSender
  /** Whole, durable, and not restored yet: a second one can arrive while the first waits for the log. */
  #arrived: WholeSnapshot[] = []
  #nextReport = 0
  #refill: StoredSnapshot | null = null
  #nextAsk = 0
  /** For each peer that is to get a snapshot: a position that lies in it. The entries behind are needed next. */
  readonly #promised = new Map<NodeId, number>()

  constructor(context: ExchangeContext, stores: ReplicaStores, snapshots: Pick<Snapshots, 'take'>, peers: PeerSender) {
    this.#context = context
    this.#stores = stores
    this.#snapshots = snapshots
    this.#peers = peers
    this.#sender = new SnapshotSender(context, stores.snapshots, peers, this)
    this.#receiver = new SnapshotReceiver(context, stores.snapshots, peers, this)
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

  progress(now: number): void {
    if (now >= this.#nextReport) this.#reportWhole(now)
    this.#askForSnapshot(now)
  }

  /** To look through a large snapshot and to restore it may take longer than a sender waits for a word. */
  #reportWhole(now: number): void {
    this.#nextReport = now + REPORT_INTERVAL_MS
    const { finishing } = this.#receiver
    if (finishing !== null) this.#receiver.reportWhole(finishing)
    for (const whole of this.#arrived) this.#receiver.reportWhole(whole)
  }

  /** While the state waits for one. */
  #askForSnapshot(now: number): void {
    if (!this.#stores.stateMachine.awaitsSnapshot || now < this.#nextAsk) return
    this.#nextAsk = now + ASK_INTERVAL_MS
    const { id, role, leader, purgedTo } = this.#context.raft
    if (role === 'leader' || leader === null || this.#refill !== null || this.#arrived.length > 0) return
    this.#peers.send(leader, { type: 'snapshot-wanted', from: id, atLeast: purgedTo.index }, 'normal')
  }

  /** That of a state that is not believed: the log goes on behind it. */
  get refill(): StoredSnapshot | null {
    return this.#refill
  }

  /** The state is that of a snapshot. */
  restored(): void {
    this.#refill = null
  }

  /** A peer whose log is as it should be needs a state to go on from. */
  wanted({ from, atLeast }: SnapshotWanted): void {
    if (this.#context.raft.role === 'leader' && !this.#sender.has(from)) this.#bring(from, atLeast, true)
  }

  /** Brings a snapshot to a peer whose next entries are purged. */
  offer(to: NodeId): void {
    this.#bring(to, this.#context.raft.purgedTo.index, false)
  }

  #bring(to: NodeId, atLeast: number, isRefill: boolean): void {
    const { raft, loop, logger } = this.#context
    const { term } = raft
    const newest = this.#stores.snapshots.newest()
    if (newest !== null && newest.last.index >= atLeast && !this.#stores.stateMachine.awaitsSnapshot) {
      this.#begin(to, term, newest, isRefill)
      return
    }
    // It will be taken here or later.
    this.#promised.set(to, this.#stores.stateMachine.info().applied.index)
    this.#snapshots.take((error, snapshot) => {
      loop.input(() => {
        if (error === undefined && snapshot !== undefined) this.#begin(to, term, snapshot, isRefill)
        else {
          const facts = { peer: to, reason: error?.message }
          logger.log('error', 'a snapshot for a lagging peer could not be taken', facts, {
            cause: 'SNAPSHOT_NOT_TAKEN',
            from: String(to),
          })
          this.sendingEnded(to)
        }
      })
    })
  }

  #begin(to: NodeId, term: number, snapshot: StoredSnapshot, isRefill: boolean): void {
    const { raft } = this.#context
    if (raft.role !== 'leader' || raft.term !== term || this.#sender.has(to)) return
    this.#promised.set(to, snapshot.last.index)
    this.#sender.start(to, term, snapshot, isRefill)
  }

  sendingEnded(to: NodeId): void {
    const { raft, loop } = this.#context
    this.#promised.delete(to)
    loop.input(() => raft.snapshotEnded(to))
  }

  /**
   * Nothing is kept of a snapshot that this node could not apply. @throws LaterVersion
   *
   * Only the leader of the present term is listened to; not while snapshots wait to be restored, for the store keeps few.
   */
  chunk(chunk: SnapshotChunk): void {
    const { raft, cluster, metrics, language } = this.#context
    if (this.#arrived.length >= MAX_UNRESTORED || this.#refill !== null) return
    if (chunk.term !== raft.term || chunk.from !== raft.leader) return
    if (chunk.snapshot.clusterId !== cluster.id) {
      metrics.refused.cluster.add()
      return
    }
    const { clusterVersion } = chunk.snapshot
    if (clusterVersion > language.version) throw new LaterVersion('a snapshot of the leader', clusterVersion, language.version)
    this.#receiver.receive(chunk)
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

  arrived(from: NodeId, term: number, snapshot: StoredSnapshot): void {
    const { raft, loop } = this.#context
    loop.input(() => {
      const { purgedTo } = raft
      raft.step({ type: 'snapshot', from, to: raft.id, term, snapshot })
      // Unless the log agrees with it already, or has more, it begins behind the snapshot now.
      if (raft.purgedTo !== purgedTo) this.#arrived.push({ from, term, snapshot })
      else if (this.#canRefill(snapshot)) this.#refill = snapshot
    })
  }

  #canRefill({ last }: StoredSnapshot): boolean {
    const isFree = this.#refill === null && this.#arrived.length === 0
    return this.#stores.stateMachine.awaitsSnapshot && isFree && last.index >= this.#context.raft.purgedTo.index
  }

  /**
   * Brings log and state to the snapshot that has arrived. Log first, state second: a crash between the two finds the
   * snapshot ahead of the state, and finishes the job.
   */
  install(meta: SnapshotMeta, hardState: HardState, done: Done): void {
    const { index, term } = meta.last
    const snapshot = this.#arrived.find((one) => one.snapshot.last.index === index && one.snapshot.last.term === term)?.snapshot
    const ended: Done = (error) => {
      // Not before: while it is read the store must not be given others to keep in its place.
      this.#arrived = this.#arrived.filter((one) => one.snapshot.last.index > index)
      done(error)
    }
    if (snapshot === undefined) {
      ended(new Error(`no snapshot at entry ${index} of term ${term} has arrived`))
      return
    }
    const { cluster } = this.#context
    if (cluster.id !== null && snapshot.clusterId !== cluster.id) {
      ended(new Error(`the snapshot at entry ${index} is of cluster ${snapshot.clusterId}, and this node of ${cluster.id}`))
      return
    }
    const { log, stateMachine } = this.#stores
    log.reset(snapshot.last, hardState, snapshot.clusterId, (error) => {
      if (error === undefined) stateMachine.restore(snapshot, (failure) => this.#onInstalled(snapshot, failure, ended))
      else ended(error)
    })
  }

  #onInstalled({ last, sizeBytes }: StoredSnapshot, error: Error | undefined, done: Done): void {
    if (error === undefined) this.#context.logger.log('info', 'a snapshot was installed', { index: last.index, bytes: sizeBytes })
    done(error)
  }
}
