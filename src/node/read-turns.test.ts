import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyValue } from '../api/index.ts'
import { MAX_PENDING_READS, MAX_READ_BYTES_A_TURN } from '../limits.ts'
import { ReadTurns } from './read-turns.ts'

const entry = (size: number): KeyValue => ({
  key: new Uint8Array(1),
  value: new Uint8Array(size),
  createRevision: 1,
  modRevision: 1,
  version: 1,
})

function scene() {
  const deferred: (() => void)[] = []
  let time = 0
  const turns = new ReadTurns({ now: () => time, defer: (run) => void deferred.push(run) })
  const done: number[] = []
  const refused: string[] = []
  const read = (id: number, size: number, deadline = 1000): void => {
    const found = turns.read(
      deadline,
      () => {
        done.push(id)
        return entry(size)
      },
      (result) => [result],
    )
    if (found instanceof Promise) found.catch((error: { readonly message: string }) => refused.push(error.message))
  }
  const turn = (): boolean => {
    const now = deferred.splice(0)
    for (const run of now) run()
    return now.length > 0
  }
  const pass = (ms: number): void => void (time += ms)
  return { read, turn, pass, done, refused }
}

const HALF = MAX_READ_BYTES_A_TURN / 2

describe('ReadTurns', () => {
  test('reads at once while a turn has time, then a turn full after the other, in order', () => {
    const { read, turn, done } = scene()
    for (let id = 1; id <= 9; id++) read(id, HALF)
    assert.deepEqual(done, [1, 2])
    for (const upTo of [4, 6, 8, 9]) {
      turn()
      assert.equal(done.at(-1), upTo)
    }
    assert.deepEqual(done, [1, 2, 3, 4, 5, 6, 7, 8, 9])
    turn()
    assert.equal(turn(), false, 'it rests')
    read(10, HALF)
    assert.equal(done.at(-1), 10)
  })

  test('lets nobody pass those who wait', () => {
    const { read, turn, done } = scene()
    for (let id = 1; id <= 4; id++) read(id, HALF)
    turn()
    read(5, 1)
    assert.deepEqual(done, [1, 2, 3, 4])
    turn()
    assert.deepEqual(done, [1, 2, 3, 4, 5])
  })

  test('counts entries, not bytes alone', () => {
    const { read, done } = scene()
    for (let id = 1; id <= MAX_READ_BYTES_A_TURN / 128 + 1000; id++) read(id, 0)
    assert.ok(done.length <= MAX_READ_BYTES_A_TURN / 128, `${done.length} reads in one turn`)
  })

  test('refuses what waited past its deadline, and what would wait behind too many', async () => {
    const { read, turn, pass, done, refused } = scene()
    for (let id = 1; id <= 3; id++) read(id, HALF, 5)
    pass(6)
    turn()
    await Promise.resolve()
    assert.deepEqual([done, refused.length], [[1, 2], 1])
    for (let id = 4; id < 4 + MAX_PENDING_READS + 2; id++) read(id, HALF)
    assert.throws(() => read(0, 1), { code: 'OVERLOADED' })
  })
})
