import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { utf8Encode } from '../../lib/index.ts'
import { WireError } from '../../wire/index.ts'
import { decodeAdminRequest, decodeFounding, encodeAdminRequest, encodeFounding } from './admin-codec.ts'
import type { AdminRequest } from './membership-admin.ts'

test('decodeFounding: gives back what was encoded, and refuses everything else', () => {
  for (const step of ['found', 'consent', 'release'] as const) {
    assert.deepEqual(decodeFounding(encodeFounding({ step, voters: [1, 2] })), { step, voters: [1, 2] })
  }
  const documents = [
    '',
    '{}',
    '{"voters":[1]}',
    '{"step":"grab","voters":[1]}',
    '{"step":"found","voters":[]}',
    '{"step":"found"}',
  ]
  for (const document of [...documents, '{"step":"found","voters":[0]}', '{"step":"found","voters":[1],"more":1}']) {
    assert.throws(() => decodeFounding(utf8Encode(document)), WireError, document)
  }
})

describe('decodeAdminRequest', () => {
  test('decodeAdminRequest: gives back what was encoded', () => {
    const requests: AdminRequest[] = [
      { op: 'add-learner', nodeId: 2, endpointId: null },
      { op: 'add-learner', nodeId: Number.MAX_SAFE_INTEGER, endpointId: 'a'.repeat(64) },
      { op: 'change-membership', members: [1], learners: null },
      { op: 'change-membership', members: [1, 2], learners: [] },
      { op: 'change-membership', members: [1, 2], learners: [3] },
      { op: 'change-membership', members: [1, 2], learners: null, ifMembers: [1] },
      { op: 'change-membership', members: [1, 2], learners: [], ifMembers: [1], ifIndex: 7 },
      { op: 'raise-version', version: 2 },
      { op: 'promote-learner', nodeId: 4, force: false, dryRun: true },
      { op: 'promote-learner', nodeId: 4, replace: 2, force: true, dryRun: false, ifMembers: [1, 2], ifIndex: 9 },
      { op: 'transfer-leadership', nodeId: 2 },
    ]
    for (const request of requests) {
      const placed = request.op !== 'raise-version'
      assert.deepEqual(decodeAdminRequest(encodeAdminRequest(request)), { request, placed })
    }
  })

  test('decodeAdminRequest: refuses everything else', () => {
    const change = (parts: object): string => JSON.stringify({ op: 'change-membership', members: [1], learners: null, ...parts })
    const add = (parts: object): string => JSON.stringify({ op: 'add-learner', nodeId: 2, endpointId: null, ...parts })
    const documents = [
      '',
      '{',
      'null',
      '[]',
      '"add-learner"',
      '{}',
      add({ op: 'remove' }),
      ...[0, -1, 1.5, '2', null, 2 ** 53].map((nodeId) => add({ nodeId })),
      ...[5, '', 'z'.repeat(64), 'a'.repeat(63), 'a'.repeat(70_000)].map((endpointId) => add({ endpointId })),
      change({ members: Array.from({ length: 101 }, (_, i) => i + 1) }),
      change({ members: Array.from({ length: 20_000 }, () => 1) }),
      change({ learners: Array.from({ length: 101 }, (_, i) => i + 2) }),
      change({ more: 1 }),
      ...[[], [0], null, 1].map((ifMembers) => change({ ifMembers })),
      ...[0, -1, 1.5, '7', null].map((ifIndex) => change({ ifIndex })),
      JSON.stringify({ op: 'add-learner', nodeId: 2 }),
      ...[{}, { nodeId: 0 }, { nodeId: 2, replace: 0 }, { nodeId: 2, force: 1 }, { nodeId: 2, dryRun: 'no' }].map((parts) =>
        JSON.stringify({ op: 'promote-learner', ...parts }),
      ),
      ...[{}, { nodeId: 0 }, { nodeId: '2' }].map((parts) => JSON.stringify({ op: 'transfer-leadership', ...parts })),
      ...[[], [0], ['1'], [1.5], null, {}, 1].map((members) => change({ members })),
      ...[[0], ['1'], {}, 1].map((learners) => change({ learners })),
      JSON.stringify({ op: 'change-membership', members: [1] }),
    ]
    for (const text of documents) assert.throws(() => decodeAdminRequest(utf8Encode(text)), WireError, text)
    assert.throws(() => decodeAdminRequest(Uint8Array.of(0xff)), WireError)
  })

  test('decodeAdminRequest: gives ids in order, each once, as a membership has them', () => {
    const text = JSON.stringify({ op: 'change-membership', members: [3, 1, 3], learners: [5, 4, 5] })
    const wanted = { op: 'change-membership', members: [1, 3], learners: [4, 5] }
    // Whoever asks so is of an earlier version.
    assert.deepEqual(decodeAdminRequest(utf8Encode(text)), { request: wanted, placed: false })
  })
})
