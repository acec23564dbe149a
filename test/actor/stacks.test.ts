import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineActor, Refusal } from '../../src/actor/index.ts'
import type { ActorRef } from '../../src/actor/index.ts'
import { Stage } from './stage.ts'

interface Runner {
  run(what: () => unknown): unknown
}

const runner = defineActor<Runner>({ start: () => ({ run: (what) => what() }) })

async function caught(awaited: Promise<unknown>): Promise<Error> {
  try {
    await awaited
  } catch (error) {
    return error as Error
  }
  return assert.fail('it was answered')
}

test('an error that comes instead of an answer says in its stack who waited for it', async () => {
  const stage = new Stage()
  const ref: ActorRef<Runner> = stage.system.spawn(runner, { name: 'runner', shutdownMs: 10, mailboxCapacity: 1 })
  const fails = (): never => {
    throw new Error('broken')
  }
  const never = (): unknown => new Promise(() => undefined)
  async function whoCalls(): Promise<void> {
    await ref.call('run', fails)
  }
  async function whoIsLate(): Promise<void> {
    await ref.call('run', never, { timeoutMs: 5 })
  }
  async function whoFindsNoRoom(): Promise<void> {
    await ref.send('run', never, { timeoutMs: 5 })
  }
  async function whoRestarts(): Promise<void> {
    await ref.restart({ timeoutMs: 5 })
  }
  for (const who of [whoCalls, whoIsLate, whoRestarts]) {
    await stage.pass(20_000)
    const error = caught(who())
    await stage.pass(5)
    assert.match(
      (await error).stack ?? '',
      new RegExp(`^ActorError: .*\n.*at async ${who.name} \\(.*stacks.test.ts`, 's'),
      who.name,
    )
  }
  await stage.pass(20_000)
  ref.cast('run', never)
  await stage.rest()
  ref.cast('run', never)
  const error = caught(whoFindsNoRoom())
  await stage.pass(5)
  assert.match((await error).stack ?? '', /at async whoFindsNoRoom/)
})

test('an error of the program keeps its stack, and one that is frozen is told as it is', async () => {
  const stage = new Stage()
  const ref = stage.system.spawn(runner)
  const refusal = new Refusal('no')
  const { stack } = refusal
  const refused = caught(
    ref.call('run', () => {
      throw refusal
    }),
  )
  await stage.rest()
  assert.equal(await refused, refusal)
  assert.equal(refusal.stack, stack)
})
