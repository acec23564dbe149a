import { assert } from '../../lib/index.ts'
import type { Disk } from '../../ports/index.ts'
import { encodeSegmentHeader } from './segment-header.ts'
import { segmentName, spareName } from './segment-name.ts'

/** Creates an empty log: after a crash it is there, or nothing is. For start-up only. */
export function createLog(disk: Disk, prefix: string, storeId: string, segmentSize: number): void {
  assert(storeId.length > 0, 'a log needs the id of its log store')
  const spare = spareName(prefix)
  disk.remove(spare)
  const file = disk.open(spare)
  const bytes = new Uint8Array(segmentSize)
  encodeSegmentHeader(bytes, {
    number: 1,
    storeId,
    clusterId: null,
    hardState: { term: 0, votedFor: null },
    base: { index: 0, term: 0 },
    previousSequence: 0,
    capacity: segmentSize,
    isReset: false,
    opensWithFrame: false,
  })
  file.writeDurablySync(0, bytes)
  file.close()
  disk.rename(spare, segmentName(prefix, 1))
  disk.syncDirectorySync()
}
