/**
 * A process, or its system, that has no file descriptor left: a passing state, for others close theirs. Only what opens is tried
 * again, which has changed nothing; a write or a sync that failed never is.
 */
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { isMainThread } from 'node:worker_threads'

const SHORTAGES = new Set(['EMFILE', 'ENFILE'])

/** Descriptors that this process keeps for its store: segments, snapshots and folders are opened a few at a time. */
const KEPT = 8
export const SHORTAGE_RETRY_MS = 50
/** A minute of them: then it is no passing state. */
const TRIES = 1200

/** SQLite says this of whatever it could not open, and nothing of why. It opens up to four files at a time. */
const SQLITE_CANTOPEN = 14
const SQLITE_FILES = 4

/** Whether something failed for want of a descriptor, by itself or by what it was caused by. */
export function isDescriptorShortage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code = '', errcode = 0, cause } = error as NodeJS.ErrnoException & { readonly errcode?: number }
  if (SHORTAGES.has(code) || ((errcode & 0xff) === SQLITE_CANTOPEN && !areLeft(SQLITE_FILES))) return true
  return cause !== undefined && isDescriptorShortage(cause)
}

function areLeft(count: number): boolean {
  const opened: number[] = []
  try {
    while (opened.length < count) opened.push(openSync(devNull, 'r'))
    return true
  } catch (error) {
    return !SHORTAGES.has((error as NodeJS.ErrnoException).code ?? '')
  } finally {
    for (const descriptor of opened) closeSync(descriptor)
  }
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
    if (tries > 1 && isDescriptorShortage(error))
      return void setTimeout(() => openPatiently(open, done, tries - 1), SHORTAGE_RETRY_MS)
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
      Atomics.wait(never, 0, 0, SHORTAGE_RETRY_MS)
    }
  }
}

/** With the patience of this thread: the main one serves everybody, and has what is kept; a worker may sleep. */
export const openHere: <T>(open: () => T) => T = isMainThread ? openWithKept : openAsleep
