import { MAX_ACTOR_THREADS } from '../../limits.ts'
import { checkKeys, checkMs, checkObject, checkWhole } from '../settings.ts'

/** How large a thread may be, and how patient one is with it. */
export interface ThreadOptions {
  /** Megabytes of objects; beyond them the thread ends, which is a crash of the actors in it. What Node allows when absent. */
  readonly maxHeapMb?: number
  /** Milliseconds that one turn of its event loop may take: then the thread is ended, which is a crash of the actors in it. 5,000 when absent. */
  readonly unresponsiveMs?: number
}

export interface ThreadPoolOptions extends ThreadOptions {
  /** Threads at most; they start when they are needed. */
  readonly size: number
}

const DEFAULT_UNRESPONSIVE_MS = 5_000
const MIN_UNRESPONSIVE_MS = 50
/** With less no module can be loaded. */
const MIN_HEAP_MB = 8
const MAX_HEAP_MB = 2 ** 20

export interface CheckedThreadOptions {
  readonly maxHeapMb: number | null
  readonly unresponsiveMs: number
}

const THREAD_OPTIONS: readonly string[] = ['maxHeapMb', 'unresponsiveMs'] satisfies (keyof ThreadOptions)[]
const OF_THREAD: ReadonlySet<string> = new Set(THREAD_OPTIONS)
const OF_POOL: ReadonlySet<string> = new Set([...THREAD_OPTIONS, 'size' satisfies keyof ThreadPoolOptions])

/** @throws TypeError, RangeError: which it is, and what may be given */
export function checkThreadOptions(given: ThreadOptions): CheckedThreadOptions {
  return check(given, OF_THREAD, 'the options of a thread')
}

/** @throws TypeError, RangeError: which it is, and what may be given */
export function checkPoolOptions(given: ThreadPoolOptions): CheckedThreadOptions & { readonly size: number } {
  const checked = check(given, OF_POOL, 'the options of a pool of threads')
  const { size } = given
  checkWhole(size, 1, MAX_ACTOR_THREADS, 'size')
  return { ...checked, size }
}

function check(given: ThreadOptions, names: ReadonlySet<string>, what: string): CheckedThreadOptions {
  checkObject(given, what)
  checkKeys(given, names, what)
  const { maxHeapMb, unresponsiveMs = DEFAULT_UNRESPONSIVE_MS } = given
  if (maxHeapMb !== undefined) checkWhole(maxHeapMb, MIN_HEAP_MB, MAX_HEAP_MB, 'maxHeapMb')
  checkMs(unresponsiveMs, MIN_UNRESPONSIVE_MS, 'unresponsiveMs')
  return { maxHeapMb: maxHeapMb ?? null, unresponsiveMs }
}
