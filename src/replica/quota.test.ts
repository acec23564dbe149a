import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command, Operation } from '../api/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../limits.ts'
import type { StateInfo } from '../ports/index.ts'
import { encodeEnvelope } from '../wire/index.ts'
import { checkQuota } from './quota.ts'

const key = Uint8Array.of(1)
const set: Operation & { type: 'set' } = { type: 'set', key, value: new Uint8Array(100) }
const envelope = (command: Command): Uint8Array => encodeEnvelope({ origin: null, command })
const SET = envelope({ type: 'batch', operations: [set] })
const DELETE = envelope({ type: 'batch', operations: [{ type: 'delete', key }] })
const state = (keys: number, bytes: number): StateInfo => ({
  applied: { term: 1, index: 1 },
  membership: null,
  membershipIndex: 0,
  keys,
  bytes,
})
const refused = { name: 'AspenError', code: 'QUOTA_EXCEEDED' }

describe('checkQuota', () => {
  test('checkQuota: lets a write pass that still fits, and refuses the one that does not, by keys', () => {
    checkQuota(state(MAX_SNAPSHOT_ENTRIES - 1, 0), 0, 0, SET)
    assert.throws(() => checkQuota(state(MAX_SNAPSHOT_ENTRIES, 0), 0, 0, SET), refused)
    const two = envelope({ type: 'batch', operations: [set, set] })
    assert.throws(() => checkQuota(state(MAX_SNAPSHOT_ENTRIES - 1, 0), 0, 0, two), refused)
  })

  test('checkQuota: refuses a write that would not fit by bytes', () => {
    checkQuota(state(0, MAX_SNAPSHOT_SIZE - 1000), 0, 0, SET)
    assert.throws(() => checkQuota(state(0, MAX_SNAPSHOT_SIZE - 100), 0, 0, SET), refused)
    assert.throws(() => checkQuota(state(0.9 * MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE / 2), 0, 0, SET), refused)
  })

  test('checkQuota: counts what is proposed and not yet applied', () => {
    assert.throws(() => checkQuota(state(MAX_SNAPSHOT_ENTRIES - 10, 0), 0, 10, SET), refused)
    assert.throws(() => checkQuota(state(0, MAX_SNAPSHOT_SIZE - 1000), 900, 0, SET), refused)
  })

  test('checkQuota: lets deletes and transactions that only read pass when everything is full', () => {
    const full = state(MAX_SNAPSHOT_ENTRIES + 5, MAX_SNAPSHOT_SIZE + 5)
    checkQuota(full, 0, 0, DELETE)
    checkQuota(full, 0, 0, envelope({ type: 'txn', compare: [], then: [{ type: 'get', key }], else: [{ type: 'delete', key }] }))
  })

  test('checkQuota: counts the sets of both branches of a transaction', () => {
    const full = state(MAX_SNAPSHOT_ENTRIES, 0)
    const get: Operation = { type: 'get', key }
    for (const [then, otherwise] of [
      [[set], [get]],
      [[get], [set]],
    ] as const) {
      assert.throws(() => checkQuota(full, 0, 0, envelope({ type: 'txn', compare: [], then, else: otherwise })), refused)
    }
  })

  test('checkQuota: says how much there is', () => {
    assert.throws(() => checkQuota(state(MAX_SNAPSHOT_ENTRIES, 7), 0, 0, SET), {
      details: { keys: MAX_SNAPSHOT_ENTRIES, bytes: 7 },
    })
  })
})
