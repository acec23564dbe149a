import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Claims } from '../ports/index.ts'
import {
  decodeClaims,
  decodeHandshake,
  decodeReason,
  encodeClaims,
  encodeHello,
  encodeProof,
  encodeProofInput,
  encodeReason,
  encodeRefusal,
  INSTANCE_SIZE,
  LINK_REFUSALS,
  LINK_VERSION,
  NONCE_SIZE,
} from './handshake.ts'
import type { Hello, ProofInput } from './handshake.ts'
import { WireError } from '../lib/index.ts'

const ID_A = 'aa'.repeat(32)
const ID_B = 'bb'.repeat(32)
const HELLO: Hello = {
  version: LINK_VERSION,
  from: ID_A,
  to: ID_B,
  nonce: new Uint8Array(NONCE_SIZE).fill(1),
  instance: '02'.repeat(INSTANCE_SIZE),
}
const CLAIMS: Claims = { nodeId: 300, clusterId: 'c1', addresses: ['127.0.0.1:26001', '[::1]:26001'] }

const claims: fc.Arbitrary<Claims> = fc.record(
  {
    nodeId: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    clusterId: fc.option(fc.string({ minLength: 1, maxLength: 16 })),
    addresses: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
  },
  { noNullPrototype: true },
)

describe('handshake records', () => {
  test('encodeHello: keeps its bytes', () => {
    const expected = `01${'0075'}4153504e01${ID_A}${ID_B}${'01'.repeat(32)}${'02'.repeat(16)}`
    assert.equal(encodeHello(HELLO).toHex(), expected)
  })

  test('encodeProof: keeps its bytes', () => {
    const proof = { mac: new Uint8Array(32).fill(3), claims: { nodeId: 1, clusterId: null, addresses: ['h:1'] } }
    assert.equal(encodeProof(proof).toHex(), `02${'0027'}${'03'.repeat(32)}01000103683a31`)
  })

  test('encodeRefusal: keeps its bytes', () => {
    assert.equal(encodeRefusal({ code: 'COOKIE_MISMATCH', detail: 'x' }).toHex(), '0300030401' + '78')
  })

  test('decodeHandshake: gives back hello, proof and refusal, and leaves what follows', () => {
    const mac = new Uint8Array(32).fill(7)
    const records = [encodeHello(HELLO), encodeProof({ mac, claims: CLAIMS }), encodeRefusal({ code: 'SELF', detail: '' })]
    let rest: Uint8Array = Buffer.concat([...records, Uint8Array.of(9)])
    const decoded = records.map((bytes) => {
      const { record, size } = decodeHandshake(rest) ?? assert.fail('incomplete')
      assert.equal(size, bytes.length)
      rest = rest.subarray(size)
      return record
    })
    assert.deepEqual([...rest], [9])
    const [hello, proof, refusal] = decoded
    assert.ok(hello?.type === 'hello' && proof?.type === 'proof' && refusal?.type === 'refusal')
    assert.deepEqual({ ...hello.hello, nonce: [...hello.hello.nonce] }, { ...HELLO, nonce: [...HELLO.nonce] })
    assert.deepEqual([...proof.proof.mac], [...mac])
    assert.deepEqual(proof.proof.claims, CLAIMS)
    assert.deepEqual(refusal.refusal, { code: 'SELF', detail: '' })
  })

  test('decodeHandshake: waits while a record is not complete', () => {
    const bytes = encodeHello(HELLO)
    for (let length = 0; length < bytes.length; length++) assert.equal(decodeHandshake(bytes.subarray(0, length)), undefined)
  })

  test('decodeHandshake: names the version of a hello it cannot read', () => {
    const bytes = encodeHello({ ...HELLO, version: 2 })
    assert.deepEqual(decodeHandshake(bytes)?.record, { type: 'other-version', version: 2 })
  })

  test('decodeHandshake: refuses unknown types and oversize records before their body comes', () => {
    for (const hex of ['00', '04', '16', '010401', '02ffff', '030401']) {
      assert.throws(() => decodeHandshake(Uint8Array.fromHex(hex)), WireError, hex)
    }
  })

  test('decodeHandshake: throws nothing but WireError when the bytes are noise', () => {
    const noise = fc.tuple(fc.constantFrom(1, 2, 3), fc.uint8Array({ maxLength: 300 }))
    fc.assert(
      fc.property(noise, ([type, body]) => {
        const bytes = Uint8Array.from([type, body.length >>> 8, body.length & 0xff, ...body])
        try {
          decodeHandshake(bytes)
        } catch (error) {
          assert.ok(error instanceof WireError, String(error))
        }
      }),
    )
  })
})

describe('claims and reasons', () => {
  test('decodeClaims: gives back what encodeClaims took', () => {
    fc.assert(fc.property(claims, (value) => assert.deepEqual(decodeClaims(encodeClaims(value)), value)))
  })

  test('decodeReason: gives back every code, with its detail cut to what fits', () => {
    for (const code of LINK_REFUSALS)
      assert.deepEqual(decodeReason(encodeReason({ code, detail: 'why' })), { code, detail: 'why' })
    assert.equal(decodeReason(encodeReason({ code: 'SELF', detail: '\u20ac'.repeat(5_000) })).detail, '\u20ac'.repeat(128))
    // The cut may part a pair of surrogates: a refusal must leave nevertheless.
    assert.equal(decodeReason(encodeReason({ code: 'SELF', detail: `a${'😀'.repeat(500)}` })).detail, `a${'😀'.repeat(63)}\ufffd`)
  })

  test('decodeReason: reads a code of a later version as MALFORMED', () => {
    assert.deepEqual(decodeReason(Uint8Array.of(120, 1, 0x78)), { code: 'MALFORMED', detail: 'x' })
  })
})

test('encodeProofInput: differs whenever anything that was said differs', () => {
  const base: ProofInput = {
    role: 'dialer',
    protocol: 'p/1',
    dialer: HELLO,
    acceptor: { ...HELLO, from: ID_B, to: ID_A },
    claims: CLAIMS,
  }
  const nonce = new Uint8Array(NONCE_SIZE).fill(5)
  const variants: ProofInput[] = [
    base,
    { ...base, role: 'acceptor' },
    { ...base, protocol: 'p/2' },
    { ...base, dialer: { ...HELLO, nonce } },
    { ...base, dialer: { ...HELLO, instance: '03'.repeat(INSTANCE_SIZE) } },
    { ...base, acceptor: { ...base.acceptor, nonce } },
    { ...base, dialer: base.acceptor, acceptor: base.dialer },
    { ...base, claims: { ...CLAIMS, clusterId: null } },
    { ...base, claims: { ...CLAIMS, nodeId: 301 } },
  ]
  assert.equal(new Set(variants.map((input) => encodeProofInput(input).toHex())).size, variants.length)
})
