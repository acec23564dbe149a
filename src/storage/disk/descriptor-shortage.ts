/**
 * A process, or its system, that has no file descriptor left: a passing state, for others close theirs. Only what opens is tried
 * again, which has changed nothing; a write or a sync that failed never is.
 */
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'

const SHORTAGES = new Set(['EMFILE', 'ENFILE'])

/** Descriptors that this process keeps for its store: segments, snapshots and folders are opened a few at a time. */
const KEPT = 8
const RETRY_MS = 50
/** A minute of them: then it is no passing state. */
const TRIES = 1200

/** Whether something failed for want of a descriptor. */
export function isDescriptorShortage(error: unknown): boolean {
  return error instanceof Error && SHORTAGES.has((error as NodeJS.ErrnoException).code ?? '')
}

/** Open for nothing, to be closed when the store finds no descriptor. */
const kept: number[] = []

/** Takes what is missing, as far as there is any. */
export function keepDescriptors(): void {
  try {
    while (kept.length < KEPT) kept.push(openSync(devNull, 'r'))
  } catch {
    // There is none: the next opening takes it.
  }
}

/** Opens with the help of those that are kept. Nobody else on this thread can take them in between. */
export function openWithKept<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (!isDescriptorShortage(error) || kept.length === 0) throw error
    for (const descriptor of kept.splice(0)) closeSync(descriptor)
    return open()
  } finally {
    keepDescriptors()
  }
}

/** Opens at once, or, while there is no descriptor, as soon as there is one. */
export function openPatiently<T>(open: () => T, done: (error: Error | undefined, opened?: T) => void, tries = TRIES): void {
  let opened: T
  try {
    opened = open()
  } catch (error) {
    if (tries > 1 && isDescriptorShortage(error)) return void setTimeout(() => openPatiently(open, done, tries - 1), RETRY_MS)
    return done(error as Error)
  }
  done(undefined, opened)
}

/** The same for a thread that may sleep. */
export function openAsleep<T>(open: () => T): T {
  const never = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = TRIES; ; tries--) {
    try {
      return openWithKept(open)
    } catch (error) {
      if (tries <= 1 || !isDescriptorShortage(error)) throw error
      Atomics.wait(never, 0, 0, RETRY_MS)
    }
  }
}
