/** A node as a client elsewhere sees it: across the network, through all of its lives. */
import { AspenError } from '../../api/index.ts'
import type {
  AddPeerRequest,
  ChangeMembershipRequest,
  ClusterController,
  ClusterState,
  Data,
  KeyValue,
  KeyValueStore,
  RequestOptions,
  ScanPage,
  ScanRequest,
  SnapshotReport,
  WriteCommand,
  WriteOptions,
  WriteResult,
} from '../../api/index.ts'
import type { NodeService } from '../../cluster/index.ts'
import type { Scheduler } from '../../simulation/index.ts'
import type { SimulatedMachine } from './simulated-machine.ts'

interface Call {
  readonly reject: (error: AspenError) => void
  /** A request that may have changed something, and was not answered, has an unknown outcome. */
  readonly changes: boolean
}

export class RemoteNode implements KeyValueStore, ClusterController {
  readonly #machine: SimulatedMachine
  readonly #scheduler: Scheduler
  readonly #latencyMs: () => number
  readonly #waiting = new Set<Call>()

  constructor(machine: SimulatedMachine, scheduler: Scheduler, latencyMs: () => number) {
    this.#machine = machine
    this.#scheduler = scheduler
    this.#latencyMs = latencyMs
  }

  get nodeId(): number {
    return this.#machine.nodeId
  }

  write(command: WriteCommand, options?: WriteOptions): Promise<WriteResult> {
    return this.#call(true, (node) => node.write(command, options))
  }

  read(key: Data, options?: RequestOptions): Promise<KeyValue | undefined> {
    return this.#call(false, (node) => node.read(key, options))
  }

  scan(request: ScanRequest, options?: RequestOptions): Promise<ScanPage> {
    return this.#call(false, (node) => node.scan(request, options))
  }

  init(members: readonly number[], options?: RequestOptions): Promise<ClusterState> {
    return this.#call(true, (node) => node.init(members, options))
  }

  addLearner(nodeId: number, endpointId?: string, options?: RequestOptions): Promise<ClusterState> {
    return this.#call(true, (node) => node.addLearner(nodeId, endpointId, options))
  }

  changeMembership(change: ChangeMembershipRequest, options?: RequestOptions): Promise<ClusterState> {
    return this.#call(true, (node) => node.changeMembership(change, options))
  }

  clusterState(): Promise<ClusterState> {
    return this.#call(false, (node) => node.clusterState())
  }

  addPeer(peer: AddPeerRequest): Promise<void> {
    return this.#call(true, (node) => node.addPeer(peer))
  }

  leader(): Promise<number | null> {
    return this.#call(false, (node) => node.leader())
  }

  triggerSnapshot(options?: RequestOptions): Promise<SnapshotReport> {
    return this.#call(true, (node) => node.triggerSnapshot(options))
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
        const { process } = this.#machine
        if (process === null) {
          this.#later(() => reject(new AspenError('NO_LEADER', `node ${this.nodeId} is down and took no request`)))
          return
        }
        const call: Call = { reject, changes }
        this.#waiting.add(call)
        // An answer that comes when the call is not waited for any more was cut off by the crash.
        const answer = (settle: () => void): void => {
          if (this.#waiting.delete(call)) this.#later(settle)
        }
        use(process.service).then(
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
