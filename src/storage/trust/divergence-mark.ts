/**
 * Remembers in the folder of snapshots that the state of this node is not to be believed: it stood against a majority's. What is left of it
 * is where it stood in the log and who the members were, which the log alone may not tell any more. Its own snapshots are no better, and go.
 */
import { crc32 } from 'node:zlib'
import type { Disk, Done } from '../../ports/index.ts'
import { decodeHeader, encodeHeader, parseSnapshotName, publishFile } from '../snapshots/index.ts'
import type { SnapshotHeader } from '../snapshots/index.ts'
import { asError, StateError } from '../state/index.ts'

const NAME = 'diverged'
const UNFINISHED = 'diverged.tmp'
const CHECKSUM_SIZE = 4

/** What is known of a state that is not believed: a header without its rows. */
export type Divergence = SnapshotHeader

/**
 * Finds the mark, and removes the snapshots that were taken of the state before it was set; those behind it came from a leader since.
 * @throws StateError CORRUPT when the mark cannot be read
 */
export function readDivergence(disk: Disk): Divergence | null {
  const names = disk.list()
  if (names.includes(UNFINISHED)) disk.remove(UNFINISHED)
  if (!names.includes(NAME)) return null
  const divergence = decodeMark(disk)
  for (const name of names) {
    const snapshot = parseSnapshotName(name)
    if (snapshot !== undefined && snapshot.last.index <= divergence.last.index) disk.remove(name)
  }
  disk.syncDirectorySync()
  return divergence
}

/** Durable before `done`. */
export function markDivergence(disk: Disk, divergence: Divergence, done: Done): void {
  const header = encodeHeader(divergence)
  const bytes = Buffer.alloc(CHECKSUM_SIZE + header.length)
  bytes.writeUInt32BE(crc32(header))
  bytes.set(header, CHECKSUM_SIZE)
  try {
    const file = disk.open(UNFINISHED)
    file.write(0, bytes, (error) => {
      if (error === undefined) publishFile(disk, file, NAME, done)
      else done(error)
    })
  } catch (caught) {
    done(asError(caught))
  }
}

/** The state is a leader's again. Durable before `done`. */
export function clearDivergence(disk: Disk, done: Done): void {
  try {
    disk.remove(NAME)
    disk.syncDirectory(done)
  } catch (caught) {
    done(asError(caught))
  }
}

function decodeMark(disk: Disk): Divergence {
  const file = disk.open(NAME)
  try {
    const bytes = Buffer.from(file.readSync(0, file.size()))
    const header = bytes.subarray(CHECKSUM_SIZE)
    if (bytes.length < CHECKSUM_SIZE || bytes.readUInt32BE(0) !== crc32(header)) throw new Error('its checksum is wrong')
    return decodeHeader(header)
  } catch (error) {
    const message = `the mark ${NAME} beside the snapshots is damaged: ${asError(error).message}; the state of this node is not to be believed: bring the node back with aspen-node rejoin`
    throw new StateError('CORRUPT', NAME, message)
  } finally {
    file.close()
  }
}
