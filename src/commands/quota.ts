import { AspenError } from '../api/index.ts'
import { Deque } from '../lib/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../limits.ts'
import type { Command } from './command.ts'
import { BYTES_PER_KEY } from './definition.ts'
import type { Growth, KeyReader } from './definition.ts'
import { growthOf, mostGrowthOf } from './growth.ts'
import type { Language } from './language.ts'
import { LANGUAGE } from './version-1.ts'

/** How large the state is, and what is in it. */
export interface Measured extends KeyReader {
  info(): {
    readonly applied: { readonly index: number }
    /** Rows of users, and bytes of their keys and values. */
    readonly keys: number
    readonly bytes: number
    /** The same of the spaces of the system. */
    readonly systemRows: number
    readonly systemBytes: number
  }
}

interface Pending extends Growth {
  readonly index: number
}

/**
 * Keeps the state within what a snapshot may hold. What is proposed and not yet applied counts with all it could add, so
 * that a burst cannot pass the limits together; only a write that might not fit is compared with the keys that are there.
 */
export class Quota {
  readonly #state: Measured
  readonly #language: Language
  /** In order of their index. */
  readonly #pending = new Deque<Pending>()
  #pendingKeys = 0
  #pendingBytes = 0

  constructor(state: Measured, language: Language = LANGUAGE) {
    this.#state = state
    this.#language = language
  }

  /**
   * Refuses a write that would grow the state past a limit. Reads, deletes, and values in place of values that are not
   * smaller pass, however full it is. Of keys the users have their whole number: rows of the system are not among them. Their bytes
   * count, as those of the snapshot, but refuse nothing: they are bounded by themselves.
   * @returns what it may add; to be told to `proposed`
   * @throws AspenError QUOTA_EXCEEDED; OVERLOADED when there is room but for what is under way
   */
  check(command: Command): Growth {
    this.#forgetApplied()
    const most = mostGrowthOf(command, this.#language)
    if (this.#excess(most, true) === undefined) return most
    const growth = growthOf(command, this.#state, this.#language)
    if (growth.keys === 0 && growth.bytes === 0) return most
    const excess = this.#excess(growth, false)
    if (excess !== undefined) throw excess
    if (this.#excess(growth, true) === undefined) return most
    throw new AspenError(
      'OVERLOADED',
      'writes that are under way may fill the store to its quota; nothing was changed, try again when they are done',
      { queue: 'quota' },
    )
  }

  proposed(index: number, growth: Growth): void {
    // Another leader's entries may have taken the places of those proposed here before.
    for (let last = this.#pending.at(this.#pending.length - 1); last !== undefined && last.index >= index;) {
      this.#count(this.#pending.pop() as Pending, -1)
      last = this.#pending.at(this.#pending.length - 1)
    }
    if (growth.keys === 0 && growth.bytes === 0) return
    const pending = { index, ...growth }
    this.#pending.push(pending)
    this.#count(pending, 1)
  }

  #forgetApplied(): void {
    const { index } = this.#state.info().applied
    for (let first = this.#pending.at(0); first !== undefined && first.index <= index; first = this.#pending.at(0)) {
      this.#count(this.#pending.shift() as Pending, -1)
    }
  }

  #count({ keys, bytes }: Growth, sign: 1 | -1): void {
    this.#pendingKeys += sign * keys
    this.#pendingBytes += sign * bytes
  }

  /** The refusal of a write that adds so much, or undefined when it fits. */
  #excess(growth: Growth, withPending: boolean): AspenError | undefined {
    const { keys, bytes, systemRows, systemBytes } = this.#state.info()
    const size = bytes + systemBytes + (keys + systemRows) * BYTES_PER_KEY
    const pending = withPending ? { keys: this.#pendingKeys, bytes: this.#pendingBytes } : { keys: 0, bytes: 0 }
    if (keys + pending.keys + growth.keys > MAX_SNAPSHOT_ENTRIES) {
      const holds = `${keys} keys, and this write would add ${growth.keys}: at most ${MAX_SNAPSHOT_ENTRIES}`
      return exceeded(holds, { limit: 'keys', max: MAX_SNAPSHOT_ENTRIES, keys, bytes })
    }
    if (size + pending.bytes + growth.bytes > MAX_SNAPSHOT_SIZE) {
      const holds = `${size} bytes (${bytes} of keys and values, ${BYTES_PER_KEY} more for each of ${keys} keys${besides(systemRows)}), and this write would add ${growth.bytes}: at most ${MAX_SNAPSHOT_SIZE}`
      return exceeded(holds, { limit: 'bytes', max: MAX_SNAPSHOT_SIZE, keys, bytes })
    }
    return undefined
  }
}

function besides(systemRows: number): string {
  return systemRows === 0 ? '' : ` and ${systemRows} ${systemRows === 1 ? 'row' : 'rows'} of the system`
}

function exceeded(holds: string, details: Readonly<Record<string, unknown>>): AspenError {
  const message =
    `the store holds ${holds} are allowed, so that a snapshot can hold them. Delete keys, and writes pass again; ` +
    'reads, deletes, and values no larger than those they replace pass now'
  return new AspenError('QUOTA_EXCEEDED', message, details)
}
