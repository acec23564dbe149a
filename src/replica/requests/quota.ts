import { AspenError } from '../../api/index.ts'
import type { Command, Operation } from '../../api/index.ts'
import { Deque } from '../../lib/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../../limits.ts'
import type { StateMachine } from '../../ports/index.ts'
import { decodeEnvelope, operationsOfPlainBatch } from '../../wire/index.ts'

/** What a key costs in a snapshot besides its own bytes and its value's. */
const BYTES_PER_KEY = 64

/** At most what a write adds to the state; what stands around keys included. */
export interface Growth {
  readonly keys: number
  readonly bytes: number
}

interface Pending extends Growth {
  readonly index: number
}

/**
 * Keeps the state within what a snapshot may hold. What is proposed and not yet applied counts with all it could add, so
 * that a burst cannot pass the limits together; only a write that might not fit is compared with the keys that are there.
 */
export class Quota {
  readonly #state: Pick<StateMachine, 'info' | 'get'>
  /** In order of their index. */
  readonly #pending = new Deque<Pending>()
  #pendingKeys = 0
  #pendingBytes = 0

  constructor(state: Pick<StateMachine, 'info' | 'get'>) {
    this.#state = state
  }

  /**
   * Refuses a write that would grow the state past a limit. Reads, deletes, and values in place of values that are not
   * smaller pass, however full it is.
   * @returns what it may add; to be told to `proposed`
   * @throws AspenError QUOTA_EXCEEDED; OVERLOADED when there is room but for what is under way
   */
  check(envelope: Uint8Array): Growth {
    this.#forgetApplied()
    const sets = operationsOfPlainBatch(envelope) ?? countSets(decodeEnvelope(envelope).command)
    const most = { keys: sets, bytes: sets === 0 ? 0 : envelope.length + sets * BYTES_PER_KEY }
    if (this.#excess(most, true) === undefined) return most
    const growth = this.#growthOf(decodeEnvelope(envelope).command)
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
    if (growth.keys === 0) return
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
    const { keys, bytes } = this.#state.info()
    const size = bytes + keys * BYTES_PER_KEY
    const pending = withPending ? { keys: this.#pendingKeys, bytes: this.#pendingBytes } : { keys: 0, bytes: 0 }
    if (keys + pending.keys + growth.keys > MAX_SNAPSHOT_ENTRIES) {
      const holds = `${keys} keys, and this write would add ${growth.keys}: at most ${MAX_SNAPSHOT_ENTRIES}`
      return exceeded(holds, { limit: 'keys', max: MAX_SNAPSHOT_ENTRIES, keys, bytes })
    }
    if (size + pending.bytes + growth.bytes > MAX_SNAPSHOT_SIZE) {
      const holds = `${size} bytes (${bytes} of keys and values, ${BYTES_PER_KEY} more for each of ${keys} keys), and this write would add ${growth.bytes}: at most ${MAX_SNAPSHOT_SIZE}`
      return exceeded(holds, { limit: 'bytes', max: MAX_SNAPSHOT_SIZE, keys, bytes })
    }
    return undefined
  }

  /**
   * What a command adds to the state as it is now. What becomes smaller is not set against what grows: a write under way
   * may have taken it away before.
   */
  #growthOf(command: Command): Growth {
    if (command.type === 'batch') return this.#growthOfOperations(command.operations)
    const [then, otherwise] = [this.#growthOfOperations(command.then), this.#growthOfOperations(command.else)]
    return { keys: Math.max(then.keys, otherwise.keys), bytes: Math.max(then.bytes, otherwise.bytes) }
  }

  #growthOfOperations(operations: readonly Operation[]): Growth {
    let keys = 0
    let bytes = 0
    for (const operation of operations) {
      if (operation.type !== 'set') continue
      const present = this.#state.get(operation.key)
      if (present !== undefined) bytes += Math.max(0, operation.value.length - present.value.length)
      else {
        keys++
        bytes += operation.key.length + operation.value.length + BYTES_PER_KEY
      }
    }
    return { keys, bytes }
  }
}

function exceeded(holds: string, details: Readonly<Record<string, unknown>>): AspenError {
  const message =
    `the store holds ${holds} are allowed, so that a snapshot can hold them. Delete keys, and writes pass again; ` +
    'reads, deletes, and values no larger than those they replace pass now'
  return new AspenError('QUOTA_EXCEEDED', message, details)
}

/** Whether a command holds anything but reads and deletes. */
export function couldGrow(envelope: Uint8Array): boolean {
  return countSets(decodeEnvelope(envelope).command) > 0
}

function countSets(command: Command): number {
  const operations = command.type === 'batch' ? command.operations : [...command.then, ...command.else]
  return operations.filter((operation) => operation.type === 'set').length
}
