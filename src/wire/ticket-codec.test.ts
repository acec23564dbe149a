import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { concatBytes, fromBase32, toBase32, toHex, WireError } from '../lib/index.ts'
import { parseTicket, ticketInput, ticketText } from './ticket-codec.ts'
import type { Ticket } from './ticket-codec.ts'

const TICKET: Ticket = {
  topic: new Uint8Array(32).fill(7),
  clusterId: 'cd'.repeat(16),
  issuer: 'ab'.repeat(32),
  expiresAt: 1_800_000_000_000,
  peers: [
    { endpointId: 'ab'.repeat(32), nodeId: 1, addresses: ['192.0.2.1:26000', '[2001:db8::1]:26000'], relay: null },
    { endpointId: 'ef'.repeat(32), nodeId: 2, addresses: [], relay: 'https://relay.example/' },
  ],
}
const SIGNATURE = new Uint8Array(64).fill(9)

const textOf = (ticket: Ticket): string => ticketText(ticketInput(ticket), SIGNATURE)

function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
}

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const anyTicket: fc.Arbitrary<Ticket> = plain({
  topic: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  clusterId: fc.option(fc.constant('0'.repeat(32))),
  issuer: key,
  expiresAt: fc.nat(),
  peers: fc.array(
    plain({
      endpointId: key,
      nodeId: fc.integer({ min: 1, max: 2 ** 53 - 1 }),
      addresses: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
      relay: fc.option(fc.webUrl()),
    }),
    { maxLength: 16 },
  ),
})

describe('a ticket', () => {
  test('has golden bytes', () => {
    const small = { ...TICKET, peers: [{ ...TICKET.peers[0]!, addresses: ['h:1'] }] }
    assert.equal(textOf(small), GOLDEN)
  })

  test('says what was written, with the bytes that were signed', () => {
    fc.assert(
      fc.property(anyTicket, (ticket) => {
        const { ticket: read, signedBytes, signature } = parseTicket(textOf(ticket))
        assert.deepEqual([read, signedBytes, signature], [ticket, ticketInput(ticket), SIGNATURE])
      }),
      { numRuns: 200 },
    )
  })

  test('survives what mail and people do to text', () => {
    const text = textOf(TICKET)
    const folded = (text.match(/.{1,60}/g) ?? []).join('\r\n  ')
    for (const one of [`${text}\n`, ` ${text} `, text.toUpperCase(), folded]) assert.deepEqual(parseTicket(one).ticket, TICKET)
  })

  test('of a later version that adds to it is read; of another version, or one that must be understood, is not', () => {
    const bytes = fromBase32(textOf(TICKET).slice('aspen'.length))
    const body = bytes.subarray(0, -64)
    const withField = (tag: number): string => `aspen${toBase32(concatBytes([body, Uint8Array.of(tag, 1, 5), SIGNATURE]))}`
    assert.deepEqual(parseTicket(withField(40)).ticket, TICKET)
    assert.throws(() => parseTicket(withField(41)), /field 41 must be understood/)
    const later = bytes.slice()
    later[0] = 2
    assert.throws(() => parseTicket(`aspen${toBase32(later)}`), /it is of version 2, and this program knows version 1/)
  })

  test('that is none says why', () => {
    const text = textOf(TICKET)
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['', /does not begin with aspen/],
      ['https://example.org', /does not begin with aspen/],
      ['aspen', /a part of it is missing/],
      [`${text}!`, /letters that tickets do not have/],
      [`${text}0`, /letters that tickets do not have/],
      ['x'.repeat(70_000), /longer than tickets are/],
    ]
    for (const [given, words] of wrong) assert.throws(() => parseTicket(given), words, given.slice(0, 40))
  })

  test('whatever the text, it is a ticket or a WireError', () => {
    const text = textOf(TICKET)
    const damaged = fc.record({ at: fc.nat(text.length), length: fc.nat(8), instead: fc.string({ maxLength: 8 }) })
    fc.assert(
      fc.property(damaged, ({ at, length, instead }) => {
        try {
          parseTicket(text.slice(0, at) + instead + text.slice(at + length))
        } catch (error) {
          assert.ok(error instanceof WireError)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('with more peers than tickets have is neither written nor read', () => {
    const peers = Array.from({ length: 17 }, () => TICKET.peers[0]!)
    assert.throws(() => ticketInput({ ...TICKET, peers }), /17 peers/)
    assert.throws(() => ticketInput({ ...TICKET, topic: new Uint8Array(31) }), /a topic of 31 bytes/)
  })
})

const GOLDEN =
  'aspenaebcabyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyhaqqsay3emnsggzddmrrwiy3emnsggzddmrrwiy3emnsggzddmrrwiy3eayqkxk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xkyia2akb4ocwe2aulblaiqkxk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xk5lvov2xkyeaeaqmbadna5dccijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeqscijbeeq'
