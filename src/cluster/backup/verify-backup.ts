/** What is in the file of a backup, without a cluster. */
import { createReadStream } from 'node:fs'
import { BackupError, readBackup } from '../../storage/index.ts'
import type { FoundBackup } from '../../storage/index.ts'

/** @throws BackupError, which says what is wrong and at which byte; the error of the file system */
export async function verifyBackup(path: string): Promise<FoundBackup> {
  try {
    return await readBackup(createReadStream(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new BackupError(`there is no file ${path}`, { cause: error })
    if (error instanceof BackupError)
      throw new BackupError(`the backup ${path} cannot be used: ${error.message}`, { cause: error })
    throw error
  }
}

/** For people, a line each. */
export function describeBackup({ header, keys, bytes, facts }: FoundBackup): string[] {
  const { clusterId, clusterVersion, nodeId, index, term, voters, learners, local, createdAt } = header
  const list = (ids: readonly number[]): string => (ids.length === 0 ? 'none' : ids.join(', '))
  return [
    `cluster ${clusterId}, version ${clusterVersion}: voters ${list(voters)}, learners ${list(learners)}`,
    `taken at node ${nodeId}, begun ${createdAt}: everything up to entry ${index} of term ${term}${local ? '; of that node alone, so what others had committed may be missing' : ''}`,
    `${keys} keys, ${bytes} bytes of keys and values, revision ${facts?.revision ?? 0}`,
  ]
}
