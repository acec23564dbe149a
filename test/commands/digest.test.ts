/** The digest that follows every change is the digest of what is there: over random histories, restarts and engines' rows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ClientSequence } from '../../src/api/index.ts'
import { ReplicatedState, RowsAudit, SPACE_IDS } from '../../src/commands/index.ts'
import type { Command } from '../../src/commands/index.ts'
import { utf8Encode } from '../../src/lib/index.ts'
import { MemoryStore } from '../../src/storage/index.ts'
import { LANGUAGE_2 } from './language-2.ts'
import { volume } from '../volume.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const key = fc.constantFrom('a', 'ab', 'b', 'a key of more than sixteen bytes').map(utf8Encode)
const value = fc.oneof(fc.constantFrom('', '1', 'a').map(utf8Encode), fc.uint8Array({ maxLength: 400 }))
const operation = fc.oneof(
  fc.record({ type: fc.constant('set' as const), key, value }),
  fc.record({ type: fc.constant('delete' as const), key }),
)
const command: fc.Arbitrary<Command> = fc
  .array(operation, { minLength: 1, maxLength: 4 })
  .map((operations) => ({ type: 'batch', operations }))
const origin: fc.Arbitrary<ClientSequence | null> = fc.option(
  fc.record({ client: fc.constantFrom('x', 'y', 'z'), sequence: fc.integer({ min: 1, max: 4 }) }),
)
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ command, origin, elapsedMs: fc.constantFrom(0, 0, 1, DAY_MS, 8 * DAY_MS) }) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
  { weight: 1, arbitrary: fc.constant('raise' as const) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function countAnew(store: MemoryStore): RowsAudit {
  const audit = new RowsAudit()
  for (const space of SPACE_IDS) for (const row of store.rows(space)) audit.add(space, row)
  return audit
}

function run(steps: readonly Step[], after: (state: ReplicatedState, store: MemoryStore) => void): ReplicatedState {
  const store = new MemoryStore()
  let state = new ReplicatedState(store, LANGUAGE_2)
  steps.forEach((next, at) => {
    if (next === 'raise') state.raiseVersion(2)
    else if (next === 'restart') {
      state.save()
      state = new ReplicatedState(store, LANGUAGE_2)
    } else {
      const envelope = { ...next, wantsRevision: false, version: 1 }
      state.apply(envelope, { term: 1, index: at + 1 }, [])
    }
    after(state, store)
  })
  return state
}

test('digest: what follows every change is what all rows sum up to', () => {
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    run(steps, (state, store) => {
      assert.equal(countAnew(store).found, state.rowsSum)
      state.save()
      assert.equal(countAnew(store).problem, undefined)
    })
  })
  fc.assert(property, { numRuns: volume(1000, 150) })
})

test('digest: restarts leave no trace in it; anything that was applied otherwise does', () => {
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
    const nothing = (): void => undefined
    const whole = run(steps, nothing).digest
    const set: Step = {
      command: { type: 'batch', operations: [{ type: 'set', key: utf8Encode('a'), value: utf8Encode('!') }] },
      origin: null,
      elapsedMs: 0,
    }
    assert.notEqual(run([...steps, set], nothing).digest, whole)
    assert.notEqual(run([...steps, { ...set, elapsedMs: 1 }], nothing).digest, run([...steps, set], nothing).digest)
    assert.equal(run([...steps, 'restart'], nothing).digest, whole)
    const raised = run([...steps, 'raise'], nothing).digest
    assert.equal(raised === whole, steps.includes('raise'))
  })
  fc.assert(property, { numRuns: volume(500, 60) })
})
