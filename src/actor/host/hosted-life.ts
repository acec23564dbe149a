import { MAX_TIMER_MS } from '../../limits.ts'
import type { ActorDefinition, SupervisionSettings } from '../definition.ts'
import { errorFromData, errorToData } from '../error-data.ts'
import type { ErrorData } from '../error-data.ts'
import { decodePlainData } from '../plain-data/index.ts'
import type { Handlers } from '../protocol.ts'
import type { Runtime } from '../runtime.ts'
import type { News, Order } from '../thread/index.ts'
import { HostedCall } from './hosted-call.ts'
import type { HostedCaller } from './hosted-call.ts'
import { HostedCell, HostedRoot } from './hosted-cell.ts'
import type { HostedListener } from './hosted-cell.ts'

export type StartOrder = Extract<Order, { type: 'start' }>
type MessageOrder = Extract<Order, { type: 'message' }>

/** One life of an actor whose mailbox and supervisor are on the other side. */
export class HostedLife implements HostedCaller, HostedListener {
  readonly #life: number
  readonly #tell: (news: News) => void
  readonly #cell: HostedCell

  constructor(runtime: Runtime, order: StartOrder, definition: ActorDefinition<Handlers, unknown>, tell: (news: News) => void) {
    const { life, path } = order
    this.#life = life
    this.#tell = tell
    const slash = path.lastIndexOf('/')
    const root = new HostedRoot(runtime, path.slice(0, slash), this)
    // The deadline of its end is kept where its supervisor is.
    // It was of this type before it was plain data.
    const supervision = (decodePlainData(order.supervision) ?? {}) as SupervisionSettings
    const options = { argument: decodePlainData(order.argument), shutdownMs: MAX_TIMER_MS, supervision }
    this.#cell = new HostedCell(this, runtime, root, path.slice(slash + 1), definition, options)
    this.#cell.begin(() => {
      if (this.#cell.phase === 'running') this.#tell({ type: 'started', life })
    })
  }

  handle({ id, message, body, wantsAnswer }: MessageOrder): void {
    const call = new HostedCall(this, id, wantsAnswer)
    const offered = this.#cell.offer(message, decodePlainData(body), call)
    if (offered !== 'taken') call.refuse(this.#cell.refusal(offered, message))
  }

  /** Ends it in good order. */
  stop(error: ErrorData | null): void {
    if (error === null) this.#cell.stopAsAsked()
    else this.#cell.crash(errorFromData(error))
  }

  /** Ends it now: whoever has it ended listens no more. */
  kill(): void {
    this.#cell.kill()
    if (this.#cell.phase !== 'gone') this.#cell.bury()
  }

  stopping(): void {
    this.#tell({ type: 'stopping', life: this.#life })
  }

  leaving(): void {
    this.#tell({ type: 'leaving', life: this.#life })
  }

  restarting(): void {
    this.#tell({ type: 'restarting', life: this.#life })
  }

  failing(error: Error): void {
    this.#tell({ type: 'failed', life: this.#life, error: errorToData(error) })
  }

  ended(): void {
    this.#tell({ type: 'ended', life: this.#life })
  }

  answered(id: number, value: Uint8Array): void {
    this.#tell({ type: 'answered', life: this.#life, id, value })
  }

  refused(id: number, error: ErrorData, begun: boolean): void {
    this.#tell({ type: 'refused', life: this.#life, id, error, begun })
  }

  later(id: number): void {
    this.#tell({ type: 'later', life: this.#life, id })
  }
}
