/** What the HTTP handlers of a simulated node ask: the public interfaces over the replica of its present life. */
import { AspenError } from '../src/api/index.ts'
import { NodeService, RaftActor } from '../src/cluster/index.ts'
import { DEFAULT_MAILBOX_CAPACITY, REQUEST_TIMEOUT_MS } from '../src/limits.ts'
import { PeerBook } from '../src/net/index.ts'
import type { Replica, Reply } from '../src/replica/index.ts'
import type { SimNode } from './sim-node.ts'

type Message = Parameters<RaftActor['send']>[0]
type ActorOptions = ConstructorParameters<typeof RaftActor>[1]

/** An actor that tells of its answers, because who waits for them goes on in promises; and that can be left. */
class HeardActor extends RaftActor {
  readonly #onAnswer: (ok: boolean) => void
  readonly #waiting = new Set<(error: Error) => void>()

  constructor(replica: Replica, options: ActorOptions, onAnswer: (ok: boolean) => void) {
    super(replica, options)
    this.#onAnswer = onAnswer
  }

  override send(message: Message): void {
    const hear = message.reply as Reply<unknown>
    const reply: Reply<unknown> = (error, value) => {
      if (!this.#waiting.delete(reply)) return
      this.#onAnswer(error === undefined)
      hear(error, value)
    }
    this.#waiting.add(reply)
    super.send({ ...message, reply })
  }

  /** Its process has ended, and nobody hears it: whoever waits goes home. */
  abandon(): void {
    const error = new AspenError('STOPPING', 'the process has ended')
    for (const reply of [...this.#waiting]) reply(error)
  }
}

export interface HttpService {
  readonly service: NodeService
  /** To be called when the process has ended. */
  readonly abandon: () => void
}

export interface HttpServiceOptions {
  readonly node: SimNode
  readonly clusterId: string
  /** Called with every answer, before it is heard; `ok` is false for a refusal. */
  readonly onAnswer: (ok: boolean) => void
  /** Called when the actor failed. */
  readonly onFault: (error: Error) => void
}

/** For a node that has just recovered. */
export function openHttpService({ node, clusterId, onAnswer, onFault }: HttpServiceOptions): HttpService {
  const { life, replica, ports } = node.parts
  const { clock } = life
  const defer = (run: () => void): void => clock.defer(run)
  const actor = new HeardActor(replica, { capacity: DEFAULT_MAILBOX_CAPACITY, defer, onFault }, onAnswer)
  const service = new NodeService({
    ...ports,
    nodeId: node.id,
    version: 'simulated',
    clock,
    replica,
    actor,
    peerBook: new PeerBook(),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    drawClusterId: () => clusterId,
  })
  return { service, abandon: () => actor.abandon() }
}
