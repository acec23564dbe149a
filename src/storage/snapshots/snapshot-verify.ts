/** Reads a snapshot file from end to end and says what it is; nothing is taken on the word of its name. */
import { SNAPSHOT_CHUNK_SIZE } from '../../limits.ts'
import type { DiskFile, StoredSnapshot } from '../../ports/index.ts'
import { SnapshotDecoder } from './snapshot-decoder.ts'
import type { SnapshotSink } from './snapshot-decoder.ts'
import { SnapshotDigest } from './snapshot-digest.ts'
import type { SnapshotHeader } from './snapshot-format.ts'
import { snapshotName } from './snapshot-name.ts'
import { asError } from '../state/index.ts'

/** Decodes and digests at once what is pushed. */
export class SnapshotReader {
  readonly #decoder: SnapshotDecoder
  readonly #digest = new SnapshotDigest()

  constructor(file: string, sink: SnapshotSink = {}) {
    this.#decoder = new SnapshotDecoder(file, sink)
  }

  get position(): number {
    return this.#digest.sizeBytes
  }

  /** @throws StateError CORRUPT, UNKNOWN_VERSION */
  push(chunk: Uint8Array): void {
    this.#digest.push(chunk)
    this.#decoder.push(chunk)
  }

  /** @throws StateError CORRUPT when the file ended too early */
  end(): StoredSnapshot {
    return describeSnapshot(this.#decoder.end(), this.#digest.sizeBytes, this.#digest.digest())
  }
}

/** A snapshot as the store names it. */
export function describeSnapshot(header: SnapshotHeader, sizeBytes: number, digest: string): StoredSnapshot {
  const { clusterId, clusterVersion, last, membership, membershipIndex } = header
  return { id: snapshotName(last, digest), clusterId, clusterVersion, last, membership, membershipIndex, sizeBytes, digest }
}

/** For start-up. @throws StateError CORRUPT, UNKNOWN_VERSION; what the disk throws */
export function readSnapshotSync(file: DiskFile, sink: SnapshotSink = {}): StoredSnapshot {
  const reader = new SnapshotReader(file.name, sink)
  for (;;) {
    const chunk = file.readSync(reader.position, SNAPSHOT_CHUNK_SIZE)
    if (chunk.length === 0) return reader.end()
    reader.push(chunk)
  }
}

/** Reads the file chunk by chunk, other work going on between the chunks. */
export function readSnapshot(
  file: DiskFile,
  sink: SnapshotSink,
  done: (error: Error | undefined, found?: StoredSnapshot) => void,
): void {
  const reader = new SnapshotReader(file.name, sink)
  const next = (): void => {
    file.read(reader.position, SNAPSHOT_CHUNK_SIZE, (error, chunk) => {
      if (error !== undefined) return done(error)
      let found: StoredSnapshot | undefined
      try {
        if (chunk.length === 0) found = reader.end()
        else reader.push(chunk)
      } catch (caught) {
        return done(asError(caught))
      }
      if (found === undefined) next()
      else done(undefined, found)
    })
  }
  next()
}
