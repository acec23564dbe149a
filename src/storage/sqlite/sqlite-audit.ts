import type { DatabaseSync } from 'node:sqlite'
import { RowsAudit, SPACE_IDS } from '../../commands/index.ts'
import { WorkPace } from '../disk/index.ts'
import { guardFile } from './sqlite-database.ts'
import { SqliteStore } from './sqlite-store.ts'

/** Bytes of rows between two rests. */
const STEP_BYTES = 1024 * 1024
const NOTHING = { rows: 0, bytes: 0 }

/** Counts all rows of one cut anew, slowly, beside the writer; what their checksums say is not asked. */
export function auditDatabase(database: DatabaseSync, file: string): { readonly kept: number; readonly found: number } {
  const audit = new RowsAudit()
  const pace = new WorkPace(() => undefined)
  let bytes = 0
  guardFile(file, () => {
    database.exec('BEGIN')
    try {
      const store = new SqliteStore(database, NOTHING, NOTHING)
      for (const space of SPACE_IDS) {
        for (const row of store.uncheckedRows(space)) {
          audit.add(space, row)
          bytes += row.key.length + row.value.length
          if (bytes < STEP_BYTES) continue
          pace.advance(bytes)
          bytes = 0
        }
      }
    } finally {
      database.exec('ROLLBACK')
    }
  })
  return { kept: audit.kept, found: audit.found }
}
