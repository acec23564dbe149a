/**
 * What becomes of a state that is damaged. It follows from snapshot and log, so it is set aside and built anew; when
 * those do not reach far enough, recovery says so and refuses.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Language } from '../../commands/index.ts'
import { corruptDatabase, guardFile } from './sqlite-database.ts'
import { SqliteState } from './sqlite-state.ts'
import { StateError } from '../state/index.ts'
import { generationFile, isStateFile, syncDirectory } from './state-generations.ts'

/** Says that damage was found while the node ran, where opening would not notice it. */
const MARK = 'damaged.txt'
/** Keeps the files of the last damage, for people. */
const FOLDER = 'damaged'

export interface OpenedState {
  readonly state: SqliteState
  readonly generation: number
  /** Why the state was set aside and begins empty, or null. */
  readonly damage: string | null
}

/** Opens a generation after looking through all of it. @throws StateError UNREADABLE, UNKNOWN_VERSION */
export function openSoundState(directory: string, generation: number, language: Language): OpenedState {
  const file = generationFile(directory, generation)
  try {
    assertUnmarked(directory, file)
    return { state: openChecked(file, language), generation, damage: null }
  } catch (error) {
    if (!(error instanceof StateError && error.code === 'CORRUPT')) throw error
    guardFile(directory, () => setAside(directory))
    const damage = `${error.message}. This was done now: the damaged files are in ${join(directory, FOLDER)}`
    return { state: new SqliteState(generationFile(directory, 1), language), generation: 1, damage }
  }
}

/** Remembers damage for the next start. The node stops because of it: that it could not be written down changes nothing. */
export function markDamaged(file: string, error: unknown): void {
  if (!(error instanceof StateError && error.code === 'CORRUPT')) return
  try {
    writeFileSync(join(dirname(file), MARK), `${error.message}\n`)
  } catch (failure) {
    error.message += ` (and ${MARK} could not be written: ${(failure as Error).message})`
  }
}

function assertUnmarked(directory: string, file: string): void {
  const mark = join(directory, MARK)
  if (!existsSync(mark)) return
  const [reason = ''] = readFileSync(mark, 'utf8').split('\n')
  throw corruptDatabase(file, `found when the node ran last (${reason})`)
}

function openChecked(file: string, language: Language): SqliteState {
  const state = new SqliteState(file, language)
  try {
    state.check()
    return state
  } catch (error) {
    state.close()
    throw error
  }
}

function setAside(directory: string): void {
  const folder = join(directory, FOLDER)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  for (const name of readdirSync(directory)) {
    if (isStateFile(name)) renameSync(join(directory, name), join(folder, name))
  }
  syncDirectory(folder)
  syncDirectory(directory)
  // Last: until then the next start does all of this again.
  rmSync(join(directory, MARK), { force: true })
  syncDirectory(directory)
}
