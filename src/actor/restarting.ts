import { ActorError } from './actor-error.ts'
import { Expiring } from './deadlines.ts'
import type { Deadlines } from './deadlines.ts'
import type { ActorSnapshot } from './snapshot.ts'
import { rejectWhereAwaited } from './where-awaited.ts'

/** Somebody who waits until an actor has been started again, and not for ever: the restart goes on without him. */
export class Restarting extends Expiring {
  readonly promise: Promise<void>
  readonly #deadlines: Deadlines
  readonly #actor: { readonly path: string; readonly phase: ActorSnapshot['phase'] }
  #resolve!: (value: void | PromiseLike<never>) => void
  #reject!: (error: Error) => void

  constructor(actor: { readonly path: string; readonly phase: ActorSnapshot['phase'] }, deadlines: Deadlines, timeoutMs: number) {
    super()
    this.#actor = actor
    this.#deadlines = deadlines
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    deadlines.add(this, timeoutMs)
  }

  readonly told = (failed: ActorError | null): void => {
    this.#deadlines.remove(this)
    if (failed === null) this.#resolve()
    else this.#refuse(failed)
  }

  override expired(): void {
    const { path, phase } = this.#actor
    const words = `${path} has not been started again in time, since ${WAITS_FOR[phase]}: its restart goes on`
    this.#refuse(new ActorError('DEADLINE_EXCEEDED', words))
  }

  #refuse(error: ActorError): void {
    rejectWhereAwaited(error, { resolve: this.#resolve, reject: this.#reject })
  }
}

const WAITS_FOR: Readonly<Record<ActorSnapshot['phase'], string>> = {
  new: 'it has not had its turn',
  starting: 'its start has not ended',
  running: 'its former life has not ended',
  ending: 'its former life has not ended',
  down: 'others that are restarted with it have not ended, or started',
  gone: 'it is gone',
}
