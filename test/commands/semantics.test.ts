/** What is replicated meaning never changes within a cluster version: not by an edit that looks harmless either. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LANGUAGE, SPACES } from '../../src/commands/index.ts'
import * as semantics from '../../src/commands/semantics.ts'

test('semantics: the constants of cluster version 1 are these for ever', () => {
  assert.deepEqual(
    { ...semantics },
    {
      BATCH_OPERATIONS: 100,
      CLIENT_ID_SIZE: 64,
      CLUSTER_VERSION_1: 1,
      DIGEST_INTERVAL: 1024,
      FIRST_REVISION: 1,
      MAX_CLUSTER_VERSION: 255,
      MAX_ELAPSED_MS: 4_294_967_295,
      SESSIONS: 10_000,
      SESSIONS_BYTES: 16_777_216,
      SESSION_EXPIRIES: 16,
      SESSION_LIFE_MS: 604_800_000,
      SESSION_RESULT_SIZE: 65_536,
      SESSION_WINDOW: 128,
      SESSION_WINDOW_BYTES: 131_072,
      SYSTEM_KEY_SIZE: 2048,
      SYSTEM_VALUE_SIZE: 8_388_608,
      TXN_OPERATIONS: 100,
      USER_KEY_SIZE: 1024,
      USER_VALUE_SIZE: 1_048_576,
    },
  )
})

test('semantics: spaces, operations and conditions keep their numbers', () => {
  assert.deepEqual(SPACES, { user: 0, meta: 1, sessions: 2, origin: 3 })
  const codes = (list: readonly { readonly type: string; readonly code: number; readonly since: number }[]): unknown =>
    list.map(({ type, code, since }) => [type, code, since])
  assert.deepEqual(codes(LANGUAGE.operations), [
    ['set', 1, 1],
    ['delete', 2, 1],
    ['get', 3, 1],
  ])
  assert.deepEqual(codes(LANGUAGE.conditions), [
    ['value', 1, 1],
    ['mod-revision', 2, 1],
    ['absent', 3, 1],
  ])
})
