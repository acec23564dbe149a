/** Writes snapshots, in chunks, row by row: the state is never in memory as a whole. */
import type { KeyValue } from '../../api/index.ts'
import { RowsAudit, SPACE_IDS, SPACES } from '../../commands/index.ts'
import type { Space } from '../../commands/index.ts'
import { damagedState } from '../state/index.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { SnapshotWriter } from './snapshot-writer.ts'

/**
 * The bytes of a snapshot file. `rowsOf` gives the rows of a space in byte order of their keys.
 * @throws StateError CORRUPT when they are not as many as the header says, or not those that were written
 */
export function* encodeSnapshot(
  header: SnapshotHeader,
  rowsOf: (space: Space) => Iterable<KeyValue>,
): Generator<Uint8Array, void> {
  const writer = new SnapshotWriter()
  writer.head(header)
  const user = { rows: 0, bytes: 0 }
  const system = { rows: 0, bytes: 0 }
  const audit = new RowsAudit()
  for (const space of SPACE_IDS) {
    const totals = space === SPACES.user ? user : system
    for (const row of rowsOf(space)) {
      totals.rows++
      totals.bytes += row.key.length + row.value.length
      audit.add(space, row)
      writer.row(space, row)
      if (writer.ready) yield writer.take()
    }
  }
  const { keys, bytes, systemRows, systemBytes } = header
  if (!(user.rows === keys && user.bytes === bytes && system.rows === systemRows && system.bytes === systemBytes))
    throw damagedState(
      `a cut of ${keys} keys, ${bytes} bytes, beside ${systemRows} rows, ${systemBytes} bytes of the system, has ${user.rows}, ${user.bytes}, ${system.rows}, ${system.bytes}`,
    )
  if (audit.problem !== undefined) throw damagedState(audit.problem)
  writer.trailer()
  yield writer.take()
}
