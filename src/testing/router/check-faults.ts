/** What a scenario asks of network and luck: a misspelt fault would quietly be none. */
import { AspenError, checked, givenFields, givenNumber } from '../../api/index.ts'
import { RELIABLE_NETWORK } from '../../simulation/index.ts'
import type { CrashKind, NetworkProfile } from '../../simulation/index.ts'
import type { Trouble } from './trouble.ts'

const TROUBLES = ['crash', 'powerCut', 'partition']
const CRASH_KINDS: readonly CrashKind[] = ['killed', 'power-cut']
const LIKELIHOODS: ReadonlySet<string> = new Set(['missedHint', 'loss', 'duplication', 'reordering'])
const RANGES = [
  ['latencyMinMs', 'latencyMaxMs'],
  ['keepAliveMinMs', 'keepAliveMaxMs'],
  ['redialMinMs', 'redialMaxMs'],
] as const

/** @throws AspenError INVALID_REQUEST */
export function checkTrouble(trouble: unknown): Trouble {
  return checked('the trouble', () => {
    const fields = givenFields(trouble, 'the trouble', TROUBLES)
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, givenNumber(value, name, 0, 1)]))
  })
}

/** @throws AspenError INVALID_REQUEST */
export function checkCrashKind(kind: unknown): CrashKind {
  const known = CRASH_KINDS.find((one) => one === kind)
  if (known !== undefined) return known
  const given = typeof kind === 'string' ? JSON.stringify(kind) : typeof kind
  throw new AspenError('INVALID_REQUEST', `the kind of a crash is ${given}: give one of ${CRASH_KINDS.join(', ')}`)
}

/** `change` upon `profile`. @throws AspenError INVALID_REQUEST */
export function changedNetwork(profile: NetworkProfile, change: unknown): NetworkProfile {
  return checked('the network', () => {
    const fields = givenFields(change, 'the network', Object.keys(RELIABLE_NETWORK))
    const numbers = Object.entries(fields).map(([name, value]) => {
      return [name, givenNumber(value, name, 0, LIKELIHOODS.has(name) ? 1 : Number.MAX_SAFE_INTEGER)]
    })
    const changed = { ...profile, ...(Object.fromEntries(numbers) as Partial<NetworkProfile>) }
    for (const [min, max] of RANGES) {
      if (changed[min] <= changed[max]) continue
      throw new AspenError('INVALID_REQUEST', `${min} is ${changed[min]} and ${max} is ${changed[max]}: it must not be below`)
    }
    return changed
  })
}
