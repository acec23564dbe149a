import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { openHere } from './descriptor-shortage.ts'

export function syncDirectorySync(directory: string): void {
  const fd = openHere(() => openSync(directory, 'r'))
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Creates a directory with its parents, and makes the new names durable. Only its owner may enter it.
 * One level at a time: Node's recursive mkdir never returns where a parent exists and refuses children with ENOENT,
 * as /proc does.
 * @throws the error of the file system
 */
export function createDirectory(directory: string): void {
  const missing: string[] = []
  for (let path = resolve(directory); !existsSync(path); path = dirname(path)) missing.unshift(path)
  // Something else stands in its place: the file system says what.
  if (missing.length === 0 && !statSync(directory).isDirectory()) mkdirSync(directory)
  for (const path of missing) {
    mkdirSync(path, { mode: 0o700 })
    syncDirectorySync(dirname(path))
  }
}
