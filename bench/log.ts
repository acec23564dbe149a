/** Append and sync: one durable write after the other, as the replica makes them, on the disk behind TMPDIR. */
import { NodeDisk, openSegmentedLog } from '../src/storage/index.ts'
import { keepInFlight, measure } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { settled, withTemporaryFolder } from './temporary-folder.ts'
import { entriesFrom } from './workload.ts'

const ENTRIES_A_WRITE = [1, 16, 256] as const

async function measureWrites(folder: string, entries: number, budget: Budget, report: Report): Promise<void> {
  const log = openSegmentedLog(new NodeDisk(`${folder}/log-${entries}`), { storeId: '0123456789abcdef0123456789abcdef' })
  let last = 0
  const write = (): Promise<void> => {
    const batch = { entries: entriesFrom(last + 1, entries) }
    last += entries
    return settled((done) => log.write([batch], done))
  }
  const point = { benchmark: 'log', point: `${entries} ${entries === 1 ? 'entry' : 'entries'} a durable write`, unit: 'writes' }
  const purge = () => settled<unknown>((done) => log.purge(last, done))
  try {
    await settled((done) => log.write([{ clusterId: '0'.repeat(32), hardState: { term: 1, votedFor: null }, entries: [] }], done))
    report(
      await measure(
        budget,
        point,
        (durationMs) => keepInFlight(durationMs, 1, write),
        async () => {
          await purge()
        },
      ),
    )
  } finally {
    await settled((done) => log.close(done))
  }
}

export async function benchmarkLog(budget: Budget, report: Report): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    for (const entries of ENTRIES_A_WRITE) await measureWrites(folder, entries, budget, report)
  })
}
