import type { Disk, DiskFile, Done } from '../../ports/index.ts'
import { asError } from '../state/index.ts'

/** Runs something that may throw; reports instead, and says whether it went well. */
export function attempt(run: () => void, done: Done): boolean {
  try {
    run()
    return true
  } catch (caught) {
    done(asError(caught))
    return false
  }
}

/** Makes a written file durable under its final name, and closes it. A crash leaves it whole under that name, or not there. */
export function publishFile(disk: Disk, file: DiskFile, name: string, done: Done): void {
  file.sync((error) => {
    if (error !== undefined) return done(error)
    const renamed = attempt(() => {
      file.close()
      disk.rename(file.name, name)
    }, done)
    if (renamed) disk.syncDirectory(done)
  })
}
