/** A new cluster, of this node alone, from a backup. The cluster that the backup is of may go on: the two have nothing to do with each other. */
import { closeSync, createReadStream, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createDirectory, readBackup } from '../../storage/index.ts'
import type { FoundBackup } from '../../storage/index.ts'
import type { NodeConfig } from '../config/index.ts'
import { FoundingError } from '../identity/index.ts'
import { foundAnew } from './found-anew.ts'
import { FoundingDirectory } from './founding-directory.ts'

export interface RestoreOptions {
  readonly config: Pick<NodeConfig, 'dataDir' | 'nodeId' | 'storageBackend'>
  /** The path of the backup. */
  readonly from: string
  readonly drawClusterId: () => string
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Tells a person how far it is. */
  readonly say: (line: string) => void
  /** Called ahead of every change of what is on the disk; what it throws interrupts a test's run there. */
  readonly before?: (change: string) => void
}

/**
 * Reads all of the backup before anything counts. Interrupted, it goes on when it is run again, or has changed nothing.
 * @throws FoundingError in words for people; the error of the file system
 */
export async function restore(options: RestoreOptions): Promise<void> {
  const { config, say } = options
  const { dataDir, nodeId, storageBackend } = config
  if (storageBackend === 'InMemory')
    throw new FoundingError('a node that keeps nothing on disk has nowhere to restore to. Nothing was changed')
  const directory = new FoundingDirectory(dataDir, options.before)
  try {
    const record = directory.record()
    if (record !== undefined) {
      say('an earlier run did not finish: going on where it stopped')
      directory.finish(record)
      return say(`done: node ${nodeId} is the only voter of cluster ${record.clusterId}. Start it as usual`)
    }
    if (directory.holdsNode)
      throw new FoundingError(`${directory.path} holds a node already: give an empty data directory. Nothing was changed`)
    await restoreInto(options, directory)
  } finally {
    directory.release()
  }
}

async function restoreInto(
  { config, from, drawClusterId, now, say }: RestoreOptions,
  directory: FoundingDirectory,
): Promise<void> {
  const { nodeId } = config
  directory.clear()
  try {
    const { found, path } = await unpack(from, directory.copyFolder)
    const clusterId = drawClusterId()
    const founded = foundAnew(directory.newFolder, path, { nodeId, clusterId, how: 'restore', foundedAt: now() })
    if (founded.source.id !== found.snapshot.id)
      throw new FoundingError('what was read of the backup changed on the disk. Nothing was changed')
    directory.install(clusterId)
    say(
      `done: node ${nodeId} is the only voter of cluster ${clusterId}, with the ${found.keys} keys that cluster ${found.header.clusterId} had. Start it as usual; ` +
        'then give others empty data directories, and POST /add-learner and /admin/promote-learner',
    )
  } catch (error) {
    if (directory.record() === undefined) directory.clear()
    throw error
  }
}

/** The snapshot in a backup, as a file of its own. */
async function unpack(from: string, folder: string): Promise<{ readonly found: FoundBackup; readonly path: string }> {
  createDirectory(folder)
  const path = join(folder, 'of-the-backup.snapshot')
  const fd = openSync(path, 'w', 0o600)
  try {
    const found = await readBackup(createReadStream(from), (bytes) => {
      for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written)
    })
    fsyncSync(fd)
    return { found, path }
  } catch (error) {
    throw new FoundingError(`the backup ${from} cannot be restored: ${(error as Error).message}. Nothing was changed`, {
      cause: error,
    })
  } finally {
    closeSync(fd)
  }
}
