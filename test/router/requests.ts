/** What every scenario asks for, in short. */
import { AspenError } from '../../src/api/index.ts'
import type { ErrorCode, KeyValue, KeyValueStore, WriteCommand } from '../../src/api/index.ts'
import { utf8Decode } from '../../src/lib/index.ts'
import type { AspenRouter } from '../../src/testing/index.ts'

/** More than an election takes, in virtual milliseconds. */
export const ELECTION_LIMIT_MS = 10_000

export function set(key: string, value: string): WriteCommand {
  return { Set: { key, value } }
}

export function textOf(entry: KeyValue | null | undefined): string | undefined {
  return entry === undefined || entry === null ? undefined : utf8Decode(entry.value)
}

export async function readText(store: Pick<KeyValueStore, 'read'>, key: string): Promise<string | undefined> {
  return textOf(await store.read(key))
}

/** How a request ended: 'ok', or the code of its error. */
export function endOf(request: Promise<unknown>): Promise<ErrorCode | 'ok'> {
  return request.then(
    () => 'ok' as const,
    (error: unknown) => {
      if (error instanceof AspenError) return error.code
      throw error
    },
  )
}

/** Asks again while nobody knows whether the request took effect: for those that may take effect twice. */
export async function untilKnown<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof AspenError) || error.code !== 'OUTCOME_UNKNOWN') throw error
    }
  }
}

/** Writes `prefix0` to `prefix<count - 1>`, some at a time, and resolves when all are acknowledged. */
export async function writeMany(store: KeyValueStore, prefix: string, count: number, atOnce = 20): Promise<void> {
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < count) {
      const i = next++
      await store.write(set(`${prefix}${i}`, String(i)))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, writer))
}

/** The keys that {@link writeMany} writes. */
export function keysOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}

/** Waits until a node leads that is none of `except`. */
export async function leaderOf(router: AspenRouter, except: readonly number[] = []): Promise<number> {
  const found = (): number | null => (router.leader === null || except.includes(router.leader) ? null : router.leader)
  await router.until('a node leads', ELECTION_LIMIT_MS, () => found() !== null)
  return found() as number
}

export function othersThan(router: AspenRouter, ...nodeIds: readonly number[]): number[] {
  return router.nodeIds.filter((id) => !nodeIds.includes(id))
}

/** At no instant do two nodes lead in one term. */
export function oneLeaderForEachTerm(router: AspenRouter): void {
  const leaders = new Map<number, number>()
  router.always('one leader for each term', () => {
    for (const id of router.nodeIds) {
      const status = router.status(id)
      if (status?.role !== 'leader') continue
      if ((leaders.get(status.term) ?? id) !== id) return false
      leaders.set(status.term, id)
    }
    return true
  })
}
