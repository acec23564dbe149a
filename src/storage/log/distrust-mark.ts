/**
 * Remembers beside the segments that this log lacks what its node has promised. Nothing in the log shows it: its bytes are those of an
 * earlier time. So it is a file of its own, whose presence alone counts; what it says is for people.
 */
import { REJOIN_ADVICE } from '../../api/index.ts'
import { utf8Decode, utf8Encode } from '../../lib/index.ts'
import type { ClassifiedError, Disk, Done } from '../../ports/index.ts'

/** The log is sound in itself and lacks what was promised: its node must not start on it. */
export class DistrustedLogError extends Error implements ClassifiedError {
  override readonly name = 'DistrustedLogError'
  readonly faultKind = 'state'
  /** The mark. */
  readonly file: string
  readonly reason: string

  constructor(file: string, reason: string) {
    super(
      `the log has forgotten what this node had promised, as was found when it ran last: ${reason} (marked by ${file}). ${REJOIN_ADVICE}`,
    )
    this.file = file
    this.reason = reason
  }
}

export function markName(prefix: string): string {
  return `${prefix}distrusted`
}

/** @throws DistrustedLogError */
export function assertTrusted(disk: Disk, prefix: string): void {
  const name = markName(prefix)
  if (!disk.list().includes(name)) return
  const file = disk.open(name)
  try {
    throw new DistrustedLogError(name, utf8Decode(file.readSync(0, file.size())) ?? 'the reason cannot be read')
  } finally {
    file.close()
  }
}

/** Durable before `done`. A crash leaves all of it, or nothing that counts. */
export function markDistrusted(disk: Disk, prefix: string, reason: string, done: Done): void {
  const attempt = (run: () => void): void => {
    try {
      run()
    } catch (error) {
      done(error as Error)
    }
  }
  attempt(() => {
    const unfinished = `${prefix}distrusting`
    disk.remove(unfinished)
    const file = disk.open(unfinished)
    file.writeDurably(0, utf8Encode(reason), (error) => {
      if (error !== undefined) return done(error)
      attempt(() => {
        file.close()
        disk.rename(unfinished, markName(prefix))
        disk.syncDirectory(done)
      })
    })
  })
}
