import { describeOperation, partitionByKey } from './history.ts'
import type { History, RecordedOperation } from './history.ts'
import { checkRegister } from './register.ts'
import { shrink } from './shrink.ts'

export interface Linearizable {
  readonly ok: true
  readonly keys: number
  readonly operations: number
}

export interface NotLinearizable {
  readonly ok: false
  readonly key: string
  /** What is wrong, in words. */
  readonly reason: string
  /** Few operations that cannot have happened together, by start. */
  readonly counterexample: readonly RecordedOperation[]
  /** All of it, for people. */
  readonly report: string
}

export type Verdict = Linearizable | NotLinearizable

function refute(key: string, operations: readonly RecordedOperation[]): NotLinearizable {
  const counterexample = shrink(operations)
  const verdict = checkRegister(counterexample)
  const reason = verdict.ok ? 'no order of the operations explains what was seen' : verdict.reason
  const lines = counterexample.map((operation) => `  ${describeOperation(operation)}`)
  const report = [
    `key ${key}: ${reason}.`,
    `Of its ${operations.length} operations these ${counterexample.length} already contradict each other:`,
    ...lines,
  ].join('\n')
  return { ok: false, key, reason, counterexample, report }
}

/**
 * Checks that every key behaved as one atomic register that starts out absent (Herlihy & Wing 1990; keys may be
 * checked one by one because linearizability is local).
 * @throws RangeError on a malformed history: times that run backwards, or a value written twice to a key
 */
export function checkLinearizable(history: History): Verdict {
  const keys = partitionByKey(history)
  for (const [key, operations] of keys) {
    if (!checkRegister(operations).ok) return refute(key, operations)
  }
  return { ok: true, keys: keys.size, operations: history.length }
}
