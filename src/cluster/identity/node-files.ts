/** What in a data directory is the node: its key, its memory, what it knows of others; and how all of it is moved without being lost. */
import { existsSync, readdirSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createDirectory, syncDirectorySync } from '../../storage/index.ts'
import { IDENTITY_FILE } from './identity-file.ts'
import { RejoinError } from './rejoin-error.ts'

/**
 * In the order in which they are moved. The log goes first: from then on the node cannot start by itself. The
 * identity goes last: as long as it is there, what is left is known to be old.
 */
export const NODE_FILES: readonly string[] = ['log', 'state', 'snapshots', 'peers.json', 'nodes.json', IDENTITY_FILE]

/** An empty folder, such as a mount point, is nothing. */
function isThere(path: string): boolean {
  if (!existsSync(path)) return false
  return !statSync(path).isDirectory() || readdirSync(path).length > 0
}

/** Whether there is anything of a node in the directory. */
export function holdsNode(directory: string): boolean {
  return NODE_FILES.some((name) => isThere(join(directory, name)))
}

/**
 * Moves all there is of a node from one folder into another, or what is left of it after an interruption, durably.
 * @param before called with what comes next
 */
export function moveNodeFiles(from: string, to: string, before: (change: string) => void = () => undefined): void {
  before('the folder')
  createDirectory(to)
  for (const name of NODE_FILES) {
    before(`the move of ${name}`)
    if (isThere(join(from, name))) move(join(from, name), join(to, name))
    before(`the sync behind the move of ${name}`)
    syncDirectorySync(to)
    syncDirectorySync(from)
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EBUSY' && code !== 'EXDEV') throw error
    throw new RejoinError(`${from} is a mount point and cannot be moved: move all that is in it to ${to} or elsewhere by hand`, {
      cause: error,
    })
  }
}

/** A name for a folder within the directory that nothing was set aside in yet. */
export function nextAsideFolder(directory: string): string {
  const taken = readdirSync(directory).map((name) => Number(/^set-aside-(\d+)$/.exec(name)?.[1] ?? 0))
  return `set-aside-${Math.max(0, ...taken) + 1}`
}
