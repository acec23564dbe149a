import { fail } from '../../lib/index.ts'

/** A disk is one flat folder: a name with a path in it is a bug of the caller. */
export function assertFileName(name: string): void {
  if (!(/^[\w.-]+$/.test(name) && name !== '.' && name !== '..')) fail(`"${name}" is not the name of a file in a flat folder`)
}
