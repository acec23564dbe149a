/** An actor that tests have fail, hang and leave. */
import assert from 'node:assert/strict'
import { defineActor } from '../../src/actor/index.ts'
import type { ActorDefinition, ActorRef } from '../../src/actor/index.ts'
import type { Stage } from './stage.ts'

export interface Worker {
  work(n: number): number
  fail(): never
  hang(): Promise<never>
  leave(): void
}

/** Says in `log` what becomes of it. */
export function worker(log: string[], name: string, more: Partial<ActorDefinition<Worker>> = {}): ActorDefinition<Worker> {
  return defineActor<Worker>({
    start: (context) => {
      log.push(`${name} starts`)
      let done = 0
      return {
        work: (n) => (done += n),
        fail: () => {
          throw new Error(`${name} is broken`)
        },
        hang: () => new Promise(() => undefined),
        leave: () => context.stop(),
      }
    },
    stop: (_, { type }) => void log.push(`${name} ends: ${type}`),
    ...more,
  })
}

export async function failed(stage: Stage, ref: ActorRef<Worker>): Promise<void> {
  assert.equal(ref.trySend('fail' as never), true)
  await stage.rest()
}
