/** A backup as a file, which is whole, verified and durable when it has its name. */
import { once } from 'node:events'
import { createWriteStream, existsSync, rmSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { BackupError, readBackup, syncDirectorySync } from '../../storage/index.ts'
import type { FoundBackup } from '../../storage/index.ts'

/**
 * @param path of a file that does not exist
 * @throws BackupError when what came is no whole backup; the error of the file system, or of `chunks`. Then there is nothing at `path`
 */
export async function saveBackup(chunks: AsyncIterable<Uint8Array>, path: string): Promise<FoundBackup> {
  if (existsSync(path)) throw new BackupError(`${path} is there already: give another name`)
  const folder = dirname(resolve(path))
  if (!existsSync(folder)) throw new BackupError(`there is no directory ${folder}`)
  const part = `${path}.part`
  try {
    const found = await readBackup(teed(chunks, part))
    const file = await open(part, 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
    syncDirectorySync(folder)
    return found
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
}

/** The same bytes, written to a file as they pass; it waits for a slow disk. */
async function* teed(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const file = createWriteStream(path, { mode: 0o600 })
  const failed = once(file, 'error').then(([error]) => {
    throw error
  })
  failed.catch(() => undefined)
  try {
    for await (const chunk of chunks) {
      if (!file.write(chunk)) await Promise.race([once(file, 'drain'), failed])
      yield chunk
    }
    file.end()
    await Promise.race([once(file, 'finish'), failed])
  } finally {
    file.destroy()
  }
}
