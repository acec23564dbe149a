import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDescriptorShortage, openWithKept, SHORTAGE_RETRY_MS } from '../../storage/index.ts'

/** Only the owner may read or write. */
const PRIVATE_MODE = 0o600
/** Two seconds of them, while there is no file descriptor: whoever stops waits for what is being written. */
const TRIES = 40

/** Replaces a file durably: after a crash at any moment it has its old content or its new one. For start-up: it blocks. */
export function writeFileAtomicallySync(path: string, text: string): void {
  const temporary = `${path}.tmp`
  const file = openWithKept(() => openSync(temporary, 'w', PRIVATE_MODE))
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
  const directory = openWithKept(() => openSync(dirname(path), 'r'))
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** The same without blocking. Calls for one path must not overlap. */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await opened(() => open(temporary, 'w', PRIVATE_MODE))
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  const directory = await opened(() => open(dirname(path), 'r'))
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Opens at once, or, while there is no descriptor, as soon as there is one. */
async function opened<T>(open: () => Promise<T>, tries = TRIES): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await open()
    } catch (error) {
      if (left <= 1 || !isDescriptorShortage(error)) throw error
      await sleep(SHORTAGE_RETRY_MS)
    }
  }
}
