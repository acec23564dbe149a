import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fromHex, toBase32 } from '../lib/index.ts'
import { generateIdentity, signaturesOf } from '../net/index.ts'
import { ticketInput, ticketText } from '../wire/index.ts'
import type { Ticket } from '../wire/index.ts'
import { ConfigError } from './config/index.ts'
import { checkTicket, readTicket } from './ticket.ts'

const ISSUER = signaturesOf(generateIdentity())
const SELF = signaturesOf(generateIdentity())
const TOPIC = new Uint8Array(32).fill(7)
const NOW = 1_800_000_000_000
const CLUSTER = 'cd'.repeat(16)

const peer = (endpointId: string, nodeId: number) => ({ endpointId, nodeId, addresses: [`h:${nodeId}`], relay: null })

function given(change: Partial<Ticket> = {}, signer = ISSUER): string {
  const ticket: Ticket = {
    topic: TOPIC,
    clusterId: CLUSTER,
    issuer: ISSUER.endpointId,
    expiresAt: NOW + 1,
    peers: [peer(ISSUER.endpointId, 1), peer(SELF.endpointId, 4)],
    ...change,
  }
  const bytes = ticketInput(ticket)
  return ticketText(bytes, signer.sign(bytes))
}

const read = (text: string) => readTicket(text, { topic: TOPIC, now: NOW, signatures: SELF })

describe('readTicket', () => {
  test('gives those whom it names, but for this node itself', () => {
    assert.deepEqual(read(given()), { clusterId: CLUSTER, peers: [peer(ISSUER.endpointId, 1)], stale: null })
  })

  test('refuses one that was changed, in any letter', () => {
    const text = given()
    for (let at = 'aspen'.length; at < text.length; at += 7) {
      const other = text[at] === 'a' ? 'b' : 'a'
      const changed = text.slice(0, at) + other + text.slice(at + 1)
      assert.throws(
        () => read(changed),
        (error) => error instanceof ConfigError && error.message.startsWith('the ticket cannot be used: '),
      )
    }
    assert.throws(() => read(given({}, SELF)), /changed since it was signed/, 'signed by another than the issuer')
    const bytes = ticketInput({ topic: TOPIC, clusterId: CLUSTER, issuer: ISSUER.endpointId, expiresAt: NOW + 1, peers: [] })
    // Under another purpose the signature means nothing here.
    assert.throws(() => read(ticketText(bytes, ISSUER.sign(bytes.subarray(1)))), /changed since it was signed/)
  })

  test('refuses one of another cookie, and says so', () => {
    assert.throws(() => read(given({ topic: new Uint8Array(32) })), /of a cluster with another cookie/)
  })

  test('one that names a place that is none is refused, whoever signed it', () => {
    const peers = [{ ...peer(ISSUER.endpointId, 1), addresses: ['nowhere'] }]
    assert.throws(() => read(given({ peers })), /of node 1 it says what cannot be: "nowhere" is not an address/)
  })

  test('what is no ticket is refused with its reason', () => {
    for (const text of ['aspen', 'aspen1', `aspen${toBase32(fromHex('02'.repeat(80)))}`, 'ticket'])
      assert.throws(() => read(text), /^ConfigError: the ticket cannot be used: \w/)
  })
})

describe('checkTicket', () => {
  const fresh = read(given())
  const stale = read(given({ expiresAt: NOW }))

  test('a newcomer needs one that is good, a member none', () => {
    checkTicket(fresh, null)
    checkTicket(fresh, CLUSTER)
    checkTicket(stale, CLUSTER)
    assert.throws(
      () => checkTicket(stale, null),
      /it was good until 2027-01-15T08:00:00.000Z, by the clock of this machine: ask a node/,
    )
    checkTicket(read(given({ clusterId: null })), CLUSTER)
  })

  test('the data of another cluster is refused', () => {
    assert.throws(
      () => checkTicket(fresh, 'ee'.repeat(16)),
      /it is of cluster cdcd.*, and the data of this node is of cluster eeee/,
    )
  })
})
