/**
 * What becomes of the rows of a state when another cluster is founded from it. Keys, values, their revisions and versions stay, and so
 * does what is remembered of clients: a write that is in the state is not done twice, and one that is not is done. Replicated time goes on
 * where it was, the version of the cluster too. The revision jumps: none that the old cluster may have given to something that is not in the
 * state is given again.
 */
import { REVISION_JUMP } from '../limits.ts'
import { originRow } from './cluster-origin.ts'
import type { ClusterOrigin } from './cluster-origin.ts'
import type { Row, Space } from './ordered-store.ts'
import { SPACES } from './ordered-store.ts'
import { addHash, rowHash, subtractHash } from './row-hash.ts'
import { decodeMeta, isMetaRow, metaRow } from './state-meta.ts'

export class RefoundedState {
  /** Where the state comes from. */
  readonly origin: Row
  /** Whether there was such a row before, which is replaced. */
  readonly #former: Row | undefined
  readonly #meta: Row

  /**
   * @param meta the row of the facts of the old state @param former its row in the space `origin`, when there is one
   * @throws WireError when a row is malformed; Error when there are no revisions left
   */
  constructor(meta: Row, former: Row | undefined, from: Omit<ClusterOrigin, 'revision'>) {
    const { rowsSum, ...facts } = decodeMeta(meta.value)
    const revision = facts.revision + REVISION_JUMP
    if (!Number.isSafeInteger(revision)) throw new Error(`no revision is left beyond ${facts.revision} for another history`)
    this.origin = originRow({ ...from, revision: facts.revision })
    this.#former = former
    const without = former === undefined ? rowsSum : subtractHash(rowsSum, rowHash(SPACES.origin, former))
    this.#meta = metaRow({ ...facts, revision, rowsSum: addHash(without, rowHash(SPACES.origin, this.origin)) })
  }

  /** What stands in the place of a row. */
  row(space: Space, row: Row): Row {
    if (isMetaRow(space, row)) return this.#meta
    return space === SPACES.origin ? this.origin : row
  }

  /** What comes after all rows. */
  get added(): Row | undefined {
    return this.#former === undefined ? this.origin : undefined
  }

  /** Rows of the system, and bytes of them, that there are more. */
  get growth(): { readonly rows: number; readonly bytes: number } {
    const size = (row: Row | undefined): number => (row === undefined ? 0 : row.key.length + row.value.length)
    return { rows: this.#former === undefined ? 1 : 0, bytes: size(this.origin) - size(this.#former) }
  }
}
