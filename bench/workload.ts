/** What the benchmarks write: 100 bytes of value under one of 10,000 keys, in an order that is not that of the keys. */
import type { WriteCommand } from '../src/api/index.ts'
import { encodeEnvelope, toCommand } from '../src/commands/index.ts'
import type { Entry } from '../src/raft/index.ts'

export const KEYS = 10_000
export const VALUE: string = 'v'.repeat(100)
/** Shares no factor with KEYS, so that its multiples pass through all of them. */
const STRIDE = 7919

/** The key of the n-th operation. */
export function keyOf(operation: number): string {
  return `key-${String((operation * STRIDE) % KEYS).padStart(8, '0')}`
}

export function setOf(operation: number): WriteCommand {
  return { Set: { key: keyOf(operation), value: VALUE } }
}

let payloads: readonly Uint8Array[] | undefined

/** The encoded command of the n-th operation; encoded once, because the benchmarks below the codec do not measure it. */
export function payloadOf(operation: number): Uint8Array {
  payloads ??= Array.from({ length: KEYS }, (_, i) => encodeEnvelope({ origin: null, command: toCommand(setOf(i)) }))
  return payloads[operation % KEYS] as Uint8Array
}

/** `count` consecutive entries of term 1 from `first` on. */
export function entriesFrom(first: number, count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    index: first + i,
    term: 1,
    kind: 'command' as const,
    payload: payloadOf(first + i),
  }))
}
