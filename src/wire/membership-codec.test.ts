import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MAX_ADDRESS_SIZE, MAX_MEMBER_ADDRESSES, MAX_PEERS, MAX_VOTERS } from '../limits.ts'
import type { Member, Membership } from '../raft/index.ts'
import { membership } from './arbitraries.test.ts'
import { decodeConfiguration, decodeMembership, encodeConfiguration, encodeMembership, WireError } from './index.ts'

const A = 'a1'.repeat(32)
const B = 'b2'.repeat(32)
const C = '0123456789abcdef'.repeat(4)

const joint: Membership = {
  voters: [1, 3],
  outgoing: [1, 2],
  learners: [2, 300],
  members: [
    { id: 1, endpointId: A, addresses: ['127.0.0.1:26001'] },
    { id: 2, endpointId: B, addresses: [] },
    { id: 3, endpointId: C, addresses: ['a:1', 'b:2'] },
    { id: 300, endpointId: '00'.repeat(32), addresses: [] },
  ],
}
const jointHex = [
  '01', // version
  '020102', // voters 1, +2
  '020101', // outgoing 1, +1
  '0202aa02', // learners 2, +298
  `${A}010f3132372e302e302e313a3236303031`,
  `${B}00`,
  `${C}0203613a3103623a32`,
  `${'00'.repeat(32)}00`,
].join('')

function member(id: number, rest: Partial<Member> = {}): Member {
  return { id, endpointId: id.toString(16).padStart(64, '0'), addresses: [], ...rest }
}

function voters(...members: Member[]): Membership {
  return { voters: members.map((m) => m.id), outgoing: [], learners: [], members }
}

describe('encodeMembership', () => {
  test('never changes its bytes', () => {
    assert.equal(encodeMembership(joint).toHex(), jointHex)
    assert.deepEqual(decodeMembership(Uint8Array.fromHex(jointHex)), joint)
  })

  test('round trip: gives the membership back', () => {
    fc.assert(fc.property(membership, (m) => assert.deepEqual(decodeMembership(encodeMembership(m)), m)))
  })

  test('is small: 32 bytes of key and a few more for a member without addresses', () => {
    const members = Array.from({ length: MAX_VOTERS }, (_, i) => member(i + 1))
    assert.equal(encodeMembership(voters(...members)).length, 4 + MAX_VOTERS * (1 + 32 + 1))
  })

  test('accepts the most and longest addresses', () => {
    const addresses = Array.from({ length: MAX_MEMBER_ADDRESSES }, () => 'a'.repeat(MAX_ADDRESS_SIZE))
    const largest = voters(member(1, { addresses }))
    assert.deepEqual(decodeMembership(encodeMembership(largest)), largest)
  })

  const invalid: [string, Membership][] = [
    ['there are no voters', voters()],
    ['a list is not sorted', { ...voters(member(1), member(2)), voters: [2, 1] }],
    ['a list has a duplicate', { ...voters(member(1)), voters: [1, 1] }],
    ['an id is zero', voters(member(0))],
    ['an id is not a safe integer', voters({ ...member(1), id: 2 ** 53 })],
    ['a voter is also a learner', { ...voters(member(1)), learners: [1] }],
    ['a named node has no member', { ...voters(member(1)), learners: [2] }],
    ['a member is not named', { ...voters(member(1), member(2)), voters: [1] }],
    ['the members are not in order', { ...voters(member(1), member(2)), members: [member(2), member(1)] }],
    ['an endpoint id is not lower-case hex', voters(member(10, { endpointId: 'AB'.repeat(32) }))],
    ['an endpoint id is short', voters(member(1, { endpointId: 'ab' }))],
    ['two members have one endpoint id', voters(member(1), member(2, { endpointId: member(1).endpointId }))],
    ['an address is empty', voters(member(1, { addresses: [''] }))],
    ['an address is too long', voters(member(1, { addresses: ['a'.repeat(MAX_ADDRESS_SIZE + 1)] }))],
    [
      'a member has too many addresses',
      voters(member(1, { addresses: Array.from({ length: MAX_MEMBER_ADDRESSES + 1 }, () => 'a:1') })),
    ],
    ['there are too many voters', voters(...Array.from({ length: MAX_VOTERS + 1 }, (_, i) => member(i + 1)))],
    [
      'there are too many learners',
      {
        ...voters(...Array.from({ length: MAX_PEERS + 2 }, (_, i) => member(i + 1))),
        voters: [1],
        learners: Array.from({ length: MAX_PEERS + 1 }, (_, i) => i + 2),
      },
    ],
  ]
  for (const [when, value] of invalid) {
    test(`throws WireError when ${when}`, () => assert.throws(() => encodeMembership(value), WireError))
  }
})

describe('decodeConfiguration', () => {
  test('decodeConfiguration: gives back what was encoded, with its place or without', () => {
    fc.assert(
      fc.property(membership, fc.option(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })), (m, index) => {
        const bytes = encodeConfiguration({ membership: m, index })
        assert.deepEqual(decodeConfiguration(bytes), { membership: m, index })
        if (index === null) assert.deepEqual(bytes, encodeMembership(m), 'as earlier programs tell it')
        else assert.throws(() => decodeConfiguration(bytes.subarray(0, -1)), WireError)
      }),
    )
    assert.throws(() => decodeConfiguration(new Uint8Array(0)), WireError)
    assert.throws(() => decodeConfiguration(Uint8Array.of(...encodeConfiguration({ membership: joint, index: 7 }), 0)), WireError)
  })
})

describe('decodeMembership', () => {
  const malformed: [string, string, RegExp][] = [
    ['the version is not known', `02${jointHex.slice(2)}`, /version 2/],
    ['nothing is there', '', /ends too early/],
    ['a byte follows', `${jointHex}00`, /1 bytes too many/],
    ['the last byte is missing', jointHex.slice(0, -2), /ends too early/],
    ['there are no voters', '01000000', /it has no voters/],
    ['an id comes twice', `010201000000${A}00`, /distance between two voters is 0/],
    ['ids pass the largest number', `0102ffffffffffffff0f010000${A}00${B}00`, /distance between two voters is 1/],
    ['a voter is also a learner', `010101000101${A}00`, /1 is a voter and a learner/],
    ['two members have one key', `010201010000${A}00${A}00`, /member 2 has the endpoint id of another member/],
    ['it claims more voters than bytes', '0164010000', /only 3 bytes are left/],
    ['it claims more voters than are allowed', `0165${'01'.repeat(200)}`, /at most 100 are allowed/],
    ['it claims more addresses than are allowed', `0101010000${A}21${'00'.repeat(99)}`, /at most 32 are allowed/],
    ['an address is not UTF-8', `0101010000${A}0101ff`, /not valid UTF-8/],
  ]
  for (const [when, hex, message] of malformed) {
    test(`throws WireError when ${when}`, () => {
      assert.throws(() => decodeMembership(Uint8Array.fromHex(hex)), { name: 'WireError', message })
    })
  }
})
