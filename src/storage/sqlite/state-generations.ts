/**
 * Names of the database files. A restore builds the next generation beside the one in use, and renaming it into place
 * is the moment it takes effect: the log of SQLite is named after its database, so that of the old one can never be
 * taken for the new one's, whatever a crash leaves behind.
 */
import { closeSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openHere } from '../disk/index.ts'

const NAME = /^state-(\d{1,15})\.db$/
const OURS = /^state-(\d{1,15})\.db(\.building)?(-wal|-shm|-journal)?$/

export function generationFile(directory: string, generation: number): string {
  return join(directory, `state-${generation}.db`)
}

/** Where a generation is built before it takes effect. */
export function buildingFile(file: string): string {
  return `${file}.building`
}

/** The newest generation in the folder, or 1 when there is none. */
export function newestGeneration(directory: string): number {
  let newest = 1
  for (const name of namesIn(directory)) newest = Math.max(newest, Number(NAME.exec(name)?.[1] ?? 0))
  return newest
}

function namesIn(directory: string): string[] {
  return openHere(() => readdirSync(directory))
}

/** Whether a file belongs to some generation, finished or not. */
export function isStateFile(name: string): boolean {
  return OURS.test(name)
}

/** Removes what belongs to no generation but `current`: older ones, and one that was never finished. */
export function removeOtherGenerations(directory: string, current: number): void {
  for (const name of namesIn(directory)) {
    const match = OURS.exec(name)
    if (match === null) continue
    if (Number(match[1]) !== current || match[2] !== undefined) rmSync(join(directory, name))
  }
}

/** Makes what was created, renamed or removed in a folder durable. */
export function syncDirectory(directory: string): void {
  const fd = openHere(() => openSync(directory, 'r'))
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
