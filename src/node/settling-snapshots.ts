import type { Done, OpenSnapshotStore, SnapshotStore } from '../ports/index.ts'
import { StoreRefusal } from '../ports/index.ts'

/**
 * A snapshot store that knows what is under way in it. Files have no end of their own: the next incarnation must not open them
 * while the last one still writes.
 */
export class SettlingSnapshots implements OpenSnapshotStore {
  readonly #store: OpenSnapshotStore
  #underWay = 0
  #failure: Error | undefined
  #settled: Done | null = null

  constructor(store: OpenSnapshotStore) {
    this.#store = store
  }

  newest: SnapshotStore['newest'] = () => this.#store.newest()

  open: OpenSnapshotStore['open'] = (id) => this.#store.open(id)

  receive: SnapshotStore['receive'] = (snapshot) => this.#store.receive(snapshot)

  read: SnapshotStore['read'] = (id, position, length, done) => {
    this.#underWay++
    this.#store.read(id, position, length, (error, bytes) => {
      done(error, bytes)
      this.#ended(error)
    })
  }

  write: SnapshotStore['write'] = (id, position, bytes, done) => this.#store.write(id, position, bytes, this.#begin(done))

  finish: SnapshotStore['finish'] = (id, done) => this.#store.finish(id, this.#begin(done))

  /** Calls back when nothing is under way any more, with the first failure of the disk that there was. */
  settle(done: Done): void {
    if (this.#underWay === 0) done(this.#failure)
    else this.#settled = done
  }

  #begin(done: Done): Done {
    this.#underWay++
    return (error) => {
      done(error)
      this.#ended(error)
    }
  }

  #ended(error: Error | undefined): void {
    this.#underWay--
    if (error !== undefined && !(error instanceof StoreRefusal)) this.#failure ??= error
    if (this.#underWay === 0) this.#settled?.(this.#failure)
  }
}
