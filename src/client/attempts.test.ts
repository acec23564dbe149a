import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../api/index.ts'
import type { ErrorCode } from '../api/index.ts'
import { Attempts } from './attempts.ts'
import type { Attempt, Attempted } from './attempts.ts'
import { ExchangeFailure } from './exchange.ts'

/** An hour that passes in pauses alone, which are drawn as long as they may be. */
function world(nodes: number) {
  const time = { now: 3_600_000, pauses: [] as number[] }
  const pause = async (ms: number): Promise<void> => {
    time.pauses.push(ms)
    time.now += ms
  }
  return { time, attempts: new Attempts(nodes, { now: () => time.now, pause, random: () => 0.999_999 }) }
}

function refused(code: ErrorCode): Attempt<string> {
  return { failure: new AspenError(code, `refused with ${code}`) }
}

function unanswered(): Attempt<string> {
  return { failure: new ExchangeFailure('ECONNRESET', true) }
}

function unreachable(): Attempt<string> {
  return { failure: new ExchangeFailure('ECONNREFUSED', false) }
}

/** Its time was up before there was a way to the node. */
function cutShort(): Attempt<string> {
  return { failure: new ExchangeFailure('no room on a link within 1 ms', false, { outOfTime: true }) }
}

/** A call whose attempts end like these, one after the other; the last one stands for all that follow. */
function scripted(results: readonly Attempt<string>[], kind: Pick<Attempted<string>, 'repeatable' | 'changes'>) {
  const asked: number[] = []
  const call: Attempted<string> = {
    ...kind,
    timeoutMs: 1_000,
    attempt: async (node) => {
      asked.push(node)
      return results[Math.min(asked.length, results.length) - 1] as Attempt<string>
    },
    giveUp: (failure) => new AspenError(failure.sent ? 'OUTCOME_UNKNOWN' : 'NO_LEADER', failure.message),
  }
  return { call, asked }
}

const READ = { repeatable: true }
const WRITE = { repeatable: false, changes: true }
const WRITE_WITH_ORIGIN = { repeatable: true, changes: true }

test('Attempts: waits on the clock it is given, and no longer than the call may take', async () => {
  const { time, attempts } = world(1)
  const { call, asked } = scripted([refused('NO_LEADER')], READ)
  await assert.rejects(attempts.run(call), { code: 'NO_LEADER' })
  assert.deepEqual(time.pauses.map(Math.round), [50, 100, 200, 400])
  assert.equal(asked.length, 5)
  assert.ok(time.now < 3_600_000 + 1_000)
})

test('Attempts: gives the first of several nodes half of what is left, and a write all of it', async () => {
  const { attempts } = world(2)
  const budgets: (readonly [number, number])[] = []
  const attempt = async (_node: number, budgetMs: number, connectMs: number): Promise<Attempt<string>> => {
    budgets.push([budgetMs, connectMs])
    return { value: 'done' }
  }
  const call = { ...scripted([], READ).call, timeoutMs: 4_000, attempt }
  await attempts.run(call)
  await attempts.run({ ...call, repeatable: false })
  // Half of it for the way to the node, though: what was not sent may go to another.
  assert.deepEqual(budgets, [
    [2_000, 2_000],
    [4_000, 2_000],
  ])
})

test('Attempts: a node in trouble is not asked first again, whatever the request', async () => {
  const { attempts } = world(3)
  const troubles: readonly Attempt<string>[] = [
    unanswered(),
    refused('POISONED'),
    refused('OUTCOME_UNKNOWN'),
    refused('INTERNAL'),
  ]
  for (const [i, trouble] of troubles.entries()) {
    const { call, asked } = scripted([trouble], WRITE)
    await assert.rejects(attempts.run({ ...call, timeoutMs: 1 }))
    assert.deepEqual(asked, [i % 3])
  }
  // What is wrong with a request is no trouble of the node.
  const { call, asked } = scripted([refused('INVALID_REQUEST')], WRITE)
  for (let i = 0; i < 2; i++) await assert.rejects(attempts.run(call), { code: 'INVALID_REQUEST' })
  assert.deepEqual(asked, [1, 1])
})

test('Attempts: what was never sent is tried elsewhere within its time', async () => {
  const { attempts } = world(2)
  const { call, asked } = scripted([cutShort(), { value: 'done' }], WRITE)
  assert.equal(await attempts.run(call), 'done')
  assert.deepEqual(asked, [0, 1])
})

test('Attempts: a write that was not answered is not sent again', async () => {
  const { call, asked } = scripted([unanswered(), { value: 'done' }], WRITE)
  await assert.rejects(world(2).attempts.run(call), { code: 'OUTCOME_UNKNOWN' })
  assert.deepEqual(asked, [0])
})

test('Attempts: a write with an origin that was not answered is sent again, and may be answered then', async () => {
  const { call, asked } = scripted([unanswered(), { value: 'done' }], WRITE_WITH_ORIGIN)
  assert.equal(await world(2).attempts.run(call), 'done')
  assert.deepEqual(asked, [0, 1])
})

test('Attempts: no refusal says of a write that it changed nothing when an earlier attempt may have', async () => {
  for (const code of ['NO_LEADER', 'NOT_INITIALIZED', 'STOPPING', 'QUOTA_EXCEEDED', 'DISK_FULL', 'FORBIDDEN'] as const) {
    for (const first of [unanswered(), refused('POISONED'), refused('OUTCOME_UNKNOWN')]) {
      const { call } = scripted([first, refused(code)], WRITE_WITH_ORIGIN)
      await assert.rejects(world(2).attempts.run(call), { code: 'OUTCOME_UNKNOWN' }, code)
    }
    const { call } = scripted([unreachable(), refused(code)], WRITE_WITH_ORIGIN)
    await assert.rejects(world(2).attempts.run(call), { code }, code)
  }
  const { call } = scripted([unanswered(), unreachable()], WRITE_WITH_ORIGIN)
  await assert.rejects(world(2).attempts.run(call), { code: 'OUTCOME_UNKNOWN' })
})

test('Attempts: a write that took effect is said to have, whatever became of an earlier attempt', async () => {
  for (const first of [unanswered(), refused('OUTCOME_UNKNOWN')]) {
    const { call, asked } = scripted([first, refused('RESULT_TOO_LARGE')], WRITE_WITH_ORIGIN)
    await assert.rejects(world(2).attempts.run(call), { code: 'RESULT_TOO_LARGE' })
    assert.deepEqual(asked, [0, 1])
  }
})

test('Attempts: an attempt that was cut short does not replace what a node said before it', async () => {
  for (const kind of [READ, WRITE, WRITE_WITH_ORIGIN]) {
    const { call } = scripted([refused('NO_LEADER'), refused('OVERLOADED'), cutShort()], kind)
    await assert.rejects(world(1).attempts.run(call), { code: 'OVERLOADED' })
  }
  const told: [string, number][] = []
  const giveUp = (failure: ExchangeFailure, node: number): AspenError => {
    told.push([failure.message, node])
    return new AspenError('NO_LEADER', failure.message)
  }
  const first = { ...scripted([unreachable(), cutShort()], WRITE).call, giveUp }
  await assert.rejects(world(2).attempts.run(first), { code: 'NO_LEADER' })
  const none = { ...scripted([cutShort()], WRITE).call, giveUp }
  await assert.rejects(world(1).attempts.run(none), { code: 'NO_LEADER' })
  assert.deepEqual(told, [
    ['ECONNREFUSED', 0],
    ['no room on a link within 1 ms', 0],
  ])
})

test('Attempts: an attempt that was sent and not answered in time replaces what a node said before it', async () => {
  const late: Attempt<string> = { failure: new ExchangeFailure('no answer within 1 ms', true, { outOfTime: true }) }
  for (const kind of [WRITE, WRITE_WITH_ORIGIN]) {
    const { call } = scripted([refused('OVERLOADED'), late], kind)
    await assert.rejects(world(1).attempts.run(call), { code: 'OUTCOME_UNKNOWN' })
  }
})

test('Attempts: an attempt that was cut short leaves unknown what an earlier one may have done', async () => {
  for (const first of [unanswered(), refused('POISONED'), refused('INTERNAL')]) {
    for (const rest of [[cutShort()], [refused('OVERLOADED'), cutShort()]]) {
      const { call } = scripted([first, ...rest], WRITE_WITH_ORIGIN)
      await assert.rejects(world(2).attempts.run(call), { code: 'OUTCOME_UNKNOWN' })
    }
  }
})

test('Attempts: a read hears what the last node said', async () => {
  const { call } = scripted([unanswered(), refused('NO_LEADER')], READ)
  await assert.rejects(world(2).attempts.run(call), { code: 'NO_LEADER' })
})
