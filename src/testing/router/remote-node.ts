/** A node as a client elsewhere sees it: across the network, through all of its lives. */
import {
  AspenError,
  checkEndpointId,
  checkMembership,
  checkNodeIds,
  checkOptions,
  checkPeer,
  checkPromotion,
  checkScan,
  toKey,
} from '../../api/index.ts'
import { checkWrite } from '../../commands/index.ts'
import type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterState,
  Data,
  KeyValue,
  KeyValueStore,
  MemberAdmin,
  NodeRecord,
  PromoteLearnerRequest,
  RequestOptions,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  WhyReport,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../../api/index.ts'
import type { NodeService } from '../../node/index.ts'
import type { Scheduler, SimMachine } from '../../simulation/index.ts'

interface Call {
  readonly reject: (error: AspenError) => void
  /** A request that may have changed something, and was not answered, has an unknown outcome. */
  readonly changes: boolean
}

export class RemoteNode implements KeyValueStore, ClusterController, MemberAdmin {
  readonly #machine: SimMachine
  readonly #scheduler: Scheduler
  readonly #latencyMs: () => number
  readonly #waiting = new Set<Call>()

  constructor(machine: SimMachine, scheduler: Scheduler, latencyMs: () => number) {
    this.#machine = machine
    this.#scheduler = scheduler
    this.#latencyMs = latencyMs
  }

  get nodeId(): number {
    return this.#machine.nodeId
  }

  // What is sent is what was given when it was sent.

  async write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    const [sent, own] = [structuredClone(checkWrite(command)), checkOptions(options)]
    return this.#call(true, (node) => node.write(sent, own))
  }

  async read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    const [sent, own] = [toKey(key), checkOptions(options)]
    return this.#call(false, (node) => node.read(sent, own))
  }

  async scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    const [sent, own] = [checkScan(request), checkOptions(options)]
    return this.#call(false, (node) => node.scan(sent, own))
  }

  async init(members: readonly number[], options?: RequestOptions): Promise<ClusterState> {
    const [sent, own] = [checkNodeIds(members, 'members'), checkOptions(options)]
    return this.#call(true, (node) => node.init(sent, own))
  }

  async addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState> {
    const own = checkOptions(options)
    return this.#call(true, (node) => node.addLearner(nodeId, endpointId, own))
  }

  async changeMembership(change: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState> {
    const [sent, own] = [checkMembership(change), checkOptions(options)]
    return this.#call(true, (node) => node.changeMembership(sent, own))
  }

  async promoteLearner(request: PromoteLearnerRequest, options?: RequestOptions): Promise<ClusterState> {
    const [sent, own] = [checkPromotion(request), checkOptions(options)]
    return this.#call(true, (node) => node.promoteLearner(sent, own))
  }

  async transferLeadership(nodeId: number, options?: RequestOptions): Promise<void> {
    const own = checkOptions(options)
    return this.#call(true, (node) => node.transferLeadership(nodeId, own))
  }

  nodes(): Promise<readonly NodeRecord[]> {
    return this.#call(false, (node) => node.nodes())
  }

  why(): Promise<WhyReport> {
    return this.#call(false, (node) => node.why())
  }

  clusterState(): Promise<ClusterState> {
    return this.#call(false, (node) => node.clusterState())
  }

  async addPeer(peer: AddPeerRequest): Promise<void> {
    const sent = checkPeer(peer)
    return this.#call(true, (node) => node.addPeer(sent))
  }

  async forgetPeer(endpointId: string): Promise<void> {
    const sent = checkEndpointId(endpointId)
    return this.#call(true, (node) => node.forgetPeer(sent))
  }

  leader(): Promise<number | null> {
    return this.#call(false, (node) => node.leader())
  }

  async raiseVersion(version: number, options?: RequestOptions): Promise<void> {
    const own = checkOptions(options)
    return this.#call(true, (node) => node.raiseVersion(version, own))
  }

  async triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport> {
    const own = checkOptions(options)
    return this.#call(true, (node) => node.triggerSnapshot(own))
  }

  /** The process has ended: who waits for it hears no more than that. */
  crashed(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { reject, changes } of waiting) {
      const words = `node ${this.nodeId} ended before it answered`
      this.#later(() => reject(new AspenError(changes ? 'OUTCOME_UNKNOWN' : 'NO_LEADER', words)))
    }
  }

  #call<T>(changes: boolean, use: (node: NodeService) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#later(() => {
        const { server } = this.#machine
        if (server === null) {
          this.#later(() => reject(new AspenError('NO_LEADER', `node ${this.nodeId} is down and took no request`)))
          return
        }
        const call: Call = { reject, changes }
        this.#waiting.add(call)
        // An answer that comes when the call is not waited for any more was cut off by the crash.
        const answer = (settle: () => void): void => {
          if (this.#waiting.delete(call)) this.#later(settle)
        }
        use(server.service).then(
          (value) => answer(() => resolve(value)),
          (error: Error) => answer(() => reject(error)),
        )
      })
    })
  }

  #later(run: () => void): void {
    this.#scheduler.after(this.#latencyMs(), run)
  }
}
