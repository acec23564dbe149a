/** Clients of a small world: what they asked, of whom, and what they were told, for the linearizability checker. */
import { AspenError } from '../../src/api/index.ts'
import { encodeEnvelope, toCommand } from '../../src/commands/index.ts'
import type { WriteCommand } from '../../src/api/index.ts'
import { utf8Decode, utf8Encode } from '../../src/lib/index.ts'
import type { Scheduler } from '../../src/simulation/index.ts'
import type { Outcome, RecordedOperation } from '../linearizability/index.ts'
import type { Machine } from './machine.ts'

/** One request and what is known of it: an outcome that nobody told is unknown. */
export interface Asked {
  readonly node: number
  readonly key: string
  readonly type: 'write' | 'read'
  /** What was written or seen. */
  value: string | null
  /** In steps of the scheduler: finer than time, and just as monotonic. */
  readonly start: number
  end: number | null
  outcome: Outcome
  /** Why it failed, in the words of the node. */
  error: Error | null
}

const PATIENCE_MS = 2000

export function encodeCommand(command: WriteCommand): Uint8Array {
  return encodeEnvelope({ origin: null, command: toCommand(command) })
}

/** An error that says the request was not carried out and will not be; any other leaves it open. */
function outcomeOf(error: Error): Outcome {
  return error instanceof AspenError && error.retryable ? 'failed' : 'unknown'
}

export class Clients {
  readonly asked: Asked[] = []
  readonly #scheduler: Scheduler
  readonly #keys = new Set<string>()
  #values = 0

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  /** All keys ever written. */
  get keys(): readonly string[] {
    return [...this.#keys]
  }

  /** How many writes were acknowledged. */
  get acknowledged(): number {
    return this.asked.filter(({ type, outcome }) => type === 'write' && outcome === 'ok').length
  }

  /** Writes a value that is never written again. */
  write(machine: Machine, key: string): Asked {
    this.#keys.add(key)
    const asked = this.#begin(machine, key, 'write', `v${++this.#values}`)
    const envelope = encodeCommand({ Set: { key, value: asked.value as string } })
    const taken = machine.ask(({ replica }, now) => {
      replica.write(envelope, now + PATIENCE_MS, (error) => this.#end(asked, error))
    })
    if (!taken) asked.outcome = 'failed'
    return asked
  }

  read(machine: Machine, key: string): Asked {
    const asked = this.#begin(machine, key, 'read', null)
    const taken = machine.ask(({ replica, state }, now) => {
      replica.read(now + PATIENCE_MS, (error) => {
        const found = error === undefined ? state.get(utf8Encode(key)) : undefined
        if (found !== undefined) asked.value = utf8Decode(found.value) ?? null
        this.#end(asked, error)
      })
    })
    if (!taken) asked.outcome = 'failed'
    return asked
  }

  history(): RecordedOperation[] {
    return this.asked.map(({ key, node, type, value, start, end, outcome }, client) => {
      return { key, client: `${client} at node ${node}`, type, value, start, end: end ?? this.#scheduler.executed, outcome }
    })
  }

  #begin(machine: Machine, key: string, type: 'write' | 'read', value: string | null): Asked {
    const start = this.#scheduler.executed
    const asked: Asked = { node: machine.id, key, type, value, start, end: null, outcome: 'unknown', error: null }
    this.asked.push(asked)
    return asked
  }

  #end(asked: Asked, error: Error | undefined): void {
    asked.end = this.#scheduler.executed
    asked.error = error ?? null
    asked.outcome = error === undefined ? 'ok' : outcomeOf(error)
  }
}
