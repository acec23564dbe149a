import { existsSync, readFileSync } from 'node:fs'
import { stateWorkerFile } from '../storage/index.ts'

const NAME = 'aspen'

/** The version of this package. @throws Error when what describes it is not where it belongs */
export function packageVersion(): string {
  return versionIn(located(description))
}

/** @throws Error when the file is missing, or describes another package */
export function versionIn(file: URL): string {
  const { name, version } = readDescription(file)
  if (name !== NAME || typeof version !== 'string') throw displaced(`${file.pathname} is not its package.json`)
  return version
}

/**
 * Looks for the files that a node needs later, at a checkpoint for one: a bundler that has put the program into one file has left them behind.
 * @throws Error that says which is missing
 */
export function checkInstallation(files = () => [stateWorkerFile()], ownDescription = description): void {
  versionIn(located(ownDescription))
  const missing = located(files).find((file) => !existsSync(file))
  if (missing !== undefined) throw displaced(`${missing.pathname} is not there`)
}

/** Two folders up, in a checkout and when installed. */
function description(): URL {
  return new URL('../../package.json', import.meta.url)
}

function located<T>(find: () => T): T {
  try {
    return find()
  } catch (error) {
    throw displaced('a module cannot tell where it stands', error)
  }
}

function readDescription(file: URL): { readonly name?: unknown; readonly version?: unknown } {
  try {
    return Object(JSON.parse(readFileSync(file, 'utf8'))) as { readonly name?: unknown; readonly version?: unknown }
  } catch (error) {
    throw displaced(`${file.pathname} cannot be read`, error)
  }
}

function displaced(what: string, cause?: unknown): Error {
  const advice = 'a bundler must leave the package as it is (for esbuild: --external:aspen), or install it again'
  return new Error(`the files of the package ${NAME} are not where they were installed: ${what}; ${advice}`, { cause })
}
