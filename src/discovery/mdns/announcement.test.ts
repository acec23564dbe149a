import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decode, encode } from 'dns-packet'
import type { Answer } from 'dns-packet'
import fc from 'fast-check'
import type { SelfDescription } from '../../ports/index.ts'
import { asksFor, decodePacket, encodeAnnouncement, encodeQuery, heardIn, instanceOf, SERVICE } from './announcement.ts'

const KEY = 'ab'.repeat(32)
const SELF: SelfDescription = {
  endpointId: KEY,
  nodeId: 7,
  clusterId: 'cd'.repeat(16),
  addresses: ['192.0.2.1:26001', '[2001:db8::1]:26001'],
  relay: null,
}

function heard(bytes: Buffer, from = '192.0.2.1') {
  const packet = decodePacket(bytes)
  return packet === null ? null : heardIn(packet, from)
}

/** The announcement, with other records. */
function changed(change: (records: Answer[]) => Answer[]): Buffer {
  const { answers = [] } = decode(encodeAnnouncement({ self: SELF, scope: 'beef' }, 120))
  return encode({ type: 'response', answers: change(answers) })
}

function withFacts(...facts: string[]): Buffer {
  return changed((records) => records.map((one) => (one.type === 'TXT' ? { ...one, data: facts } : one)))
}

describe('an announcement', () => {
  test('says all that a node says of itself, as any browser of services reads it', () => {
    const bytes = encodeAnnouncement({ self: SELF, scope: 'beef' }, 120)
    assert.deepEqual(heard(bytes), [{ candidate: SELF, scope: 'beef' }])
    const { flags, answers = [] } = decode(bytes)
    assert.equal((flags ?? 0) & 0x0400, 0x0400, 'it is authoritative')
    assert.deepEqual(
      answers.map(({ type }) => type),
      ['PTR', 'SRV', 'TXT', 'A', 'AAAA'],
    )
    const [pointer, service] = answers as [Answer & { data: string }, Answer & { data: { port: number } }]
    assert.deepEqual([pointer.name, pointer.data, service.data.port], [SERVICE, instanceOf(KEY), 26_001])
  })

  test('of a node without a cluster has none', () => {
    const bytes = encodeAnnouncement({ self: { ...SELF, clusterId: null }, scope: 'beef' }, 120)
    assert.equal(heard(bytes)?.[0]?.candidate.clusterId, null)
  })

  test('the address that it was heard from comes first, if it is one of those that it says', () => {
    const bytes = encodeAnnouncement({ self: { ...SELF, addresses: ['192.0.2.1:5', '192.0.2.9:5'] }, scope: 'beef' }, 120)
    assert.deepEqual(heard(bytes, '192.0.2.9')?.[0]?.candidate.addresses, ['192.0.2.9:5', '192.0.2.1:5'])
    assert.deepEqual(heard(bytes, '198.51.100.1')?.[0]?.candidate.addresses, ['192.0.2.1:5', '192.0.2.9:5'])
  })

  test('that is taken back is none', () => {
    assert.deepEqual(heard(encodeAnnouncement({ self: SELF, scope: 'beef' }, 0)), [])
  })

  test('what is no announcement of ours names nobody', () => {
    const facts = ['v=1', `id=${KEY}`, 'n=7', 's=beef']
    assert.equal(heard(withFacts(...facts))?.length, 1, 'the table begins with one that is')
    const wrong: readonly (readonly [string, Buffer])[] = [
      ['another version', withFacts('v=2', ...facts.slice(1))],
      ['no key', withFacts('v=1', 'n=7', 's=beef')],
      ['a key that is none', withFacts('v=1', 'id=AB', 'n=7')],
      ['the key of another instance', withFacts('v=1', `id=${'cd'.repeat(32)}`, 'n=7')],
      ['an id that is none', withFacts('v=1', `id=${KEY}`, 'n=-1')],
      ['an id beyond numbers', withFacts('v=1', `id=${KEY}`, 'n=9007199254740993')],
      ['a cluster that is none', withFacts(...facts, 'c=xyz')],
      ['of another service', changed((all) => all.map((one) => ({ ...one, name: `x.${one.name}x` })))],
    ]
    for (const [what, bytes] of wrong) assert.deepEqual(heard(bytes) ?? [], [], what)
    assert.deepEqual(heard(changed((all) => all.filter(({ type }) => type !== 'SRV')))?.[0]?.candidate.addresses, [])
  })

  test('no bytes are too strange, and too many are not looked into', () => {
    const good = encodeAnnouncement({ self: SELF, scope: 'beef' }, 120)
    const damaged = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255), length: fc.nat(good.length) })
    fc.assert(
      fc.property(damaged, ({ at, byte, length }) => {
        const bytes = Buffer.from(good)
        bytes[at] = byte
        for (const { candidate } of heard(bytes.subarray(0, length)) ?? []) assert.match(candidate.endpointId, /^[0-9a-f]{64}$/)
      }),
      { numRuns: 500 },
    )
    assert.equal(decodePacket(Buffer.concat([good, Buffer.alloc(4_096)])), null)
    const crowd = Array.from({ length: 65 }, (_, i): Answer => ({ type: 'PTR', name: SERVICE, data: `x${i}.${SERVICE}` }))
    assert.equal(decodePacket(encode({ type: 'response', answers: crowd })), null)
  })
})

describe('a question', () => {
  const asks = (bytes: Buffer): boolean => {
    const packet = decodePacket(bytes)
    return packet !== null && asksFor(packet, KEY)
  }

  test('is for everybody whom the asker does not know', () => {
    assert.equal(asks(encodeQuery([])), true)
    assert.equal(asks(encodeQuery(['cd'.repeat(32)])), true)
    assert.equal(asks(encodeQuery([KEY])), false)
    assert.equal(asks(encodeAnnouncement({ self: SELF, scope: 'beef' }, 120)), false)
    assert.equal(asks(encode({ type: 'query', questions: [{ type: 'PTR', name: '_aspen2._tcp.local' }] })), false)
    assert.equal(
      asks(encode({ type: 'query', questions: [{ type: 'PTR', name: '_ASPEN._tcp.LOCAL' }] })),
      false,
      'unseen: spelt as nobody does',
    )
  })
})
