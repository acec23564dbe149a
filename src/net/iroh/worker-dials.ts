import type { Connection } from '@number0/iroh/index.js'
import type { ToWorker } from './worker-messages.ts'
import { firstLine } from './words.ts'

export type Dial = Extract<ToWorker, { type: 'dial' }>

export interface DialsOwner {
  /** An attempt of the binding: it ends in half a minute at the latest, and nothing ends it sooner. */
  connect(dial: Dial): Promise<Connection>
  connected(dial: Dial, connection: Connection): void
  failed(dial: Dial, message: string): void
}

/**
 * Dials under way. Those for the same peer, at the same places, share an attempt of the binding, also when whoever began it has given up: so
 * that a peer that is away has one attempt made for it at a time, and one that comes back is there at once.
 */
export class WorkerDials {
  readonly #owner: DialsOwner
  readonly #wanted = new Set<Dial>()
  readonly #attempts = new Map<string, Dial[]>()

  constructor(owner: DialsOwner) {
    this.#owner = owner
  }

  begin(dial: Dial): void {
    this.#wanted.add(dial)
    const key = [dial.protocol, dial.endpointId, dial.relay, ...dial.addresses].join()
    const joined = this.#attempts.get(key)
    if (joined !== undefined) {
      joined.push(dial)
      return
    }
    const waiting = [dial]
    this.#attempts.set(key, waiting)
    const settle = (): Dial[] => {
      this.#attempts.delete(key)
      return waiting.filter((each) => this.#wanted.delete(each))
    }
    this.#owner.connect(dial).then(
      (connection) => this.#hand(connection, settle()),
      (error: unknown) => {
        for (const each of settle()) this.#owner.failed(each, firstLine(error))
      },
    )
  }

  /** Nobody waits for it any more. */
  giveUp(id: number): void {
    for (const dial of this.#wanted) if (dial.id === id) this.#wanted.delete(dial)
  }

  /** Each dial has a connection of its own. */
  #hand(connection: Connection, [first, ...others]: readonly Dial[]): void {
    if (first === undefined) connection.close(0n, [])
    else this.#owner.connected(first, connection)
    for (const each of others) this.begin(each)
  }
}
