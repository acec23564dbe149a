/**
 * Files of secrets, which others put there. What is no ordinary file is refused, and not waited for: a pipe would hold up the start, or for
 * ever a thread of the pool; what is large would be held in memory each second.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { open } from 'node:fs/promises'

const MAX_BYTES = 2 * 1024 * 1024
/** Opening a pipe without a writer would wait for one. Windows has neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** @throws Error when it cannot be read, is no ordinary file, or is larger than such files are */
export function readSmallFile(path: string): string {
  const fd = openSync(path, FLAGS)
  try {
    check(fstatSync(fd))
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** As {@link readSmallFile}. */
export async function readSmallFileLater(path: string): Promise<string> {
  const file = await open(path, FLAGS)
  try {
    check(await file.stat())
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function check(stats: Stats): void {
  if (!stats.isFile()) throw new Error('it is no ordinary file')
  if (stats.size > MAX_BYTES) throw new Error(`it has ${stats.size} bytes; at most ${MAX_BYTES} are read`)
}
