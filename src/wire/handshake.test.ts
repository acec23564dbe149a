import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Claims } from '../ports/index.ts'
import {
  commonVersion,
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
  LINK_VERSIONS,
  NONCE_SIZE,
} from './handshake.ts'
import type { Hello, ProofInput } from './handshake.ts'
import { WireError } from '../lib/index.ts'

const ID_A = 'aa'.repeat(32)
const ID_B = 'bb'.repeat(32)
const HELLO: Hello = {
  versions: { min: 2, max: 300 },
  features: 5,
  from: ID_A,
  to: ID_B,
  nonce: new Uint8Array(NONCE_SIZE).fill(1),
  instance: '02'.repeat(INSTANCE_SIZE),
  more: new Uint8Array(0),
}
const CLAIMS: Claims = { nodeId: 300, clusterId: 'c1', addresses: ['127.0.0.1:26001', '[::1]:26001'], languageVersion: 2 }

const claims: fc.Arbitrary<Claims> = fc.record(
  {
    nodeId: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    clusterId: fc.option(fc.string({ minLength: 1, maxLength: 16 })),
    addresses: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
    languageVersion: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    programVersion: fc.string({ minLength: 1, maxLength: 16 }),
    foundedFrom: fc.record(
      {
        clusterId: fc.string({ minLength: 1, maxLength: 16 }),
        nodeId: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        foundedAt: fc.integer({ min: 0, max: 8.64e15 }),
      },
      { noNullPrototype: true },
    ),
  },
  { noNullPrototype: true, requiredKeys: ['nodeId', 'clusterId', 'addresses', 'languageVersion'] },
)

describe('handshake records', () => {
  test('encodeHello: keeps its bytes', () => {
    const expected = `01${'0078'}4153504e02ac0205${ID_A}${ID_B}${'01'.repeat(32)}${'02'.repeat(16)}`
    assert.equal(encodeHello(HELLO).toHex(), expected)
  })

  test('encodeProof: keeps its bytes', () => {
    const claims = { nodeId: 1, clusterId: null, addresses: ['h:1'], languageVersion: 1 }
    const proof = { mac: new Uint8Array(32).fill(3), said: encodeClaims(claims) }
    assert.equal(encodeProof(proof).toHex(), `02${'002d'}${'03'.repeat(32)}020101` + '060501' + '03683a31' + '080101')
  })

  test('encodeRefusal: keeps its bytes', () => {
    assert.equal(encodeRefusal({ code: 'COOKIE_MISMATCH', detail: 'x' }).toHex(), '0300030401' + '78')
  })

  test('decodeHandshake: gives back hello, proof and refusal, and leaves what follows', () => {
    const mac = new Uint8Array(32).fill(7)
    const records = [
      encodeHello(HELLO),
      encodeProof({ mac, said: encodeClaims(CLAIMS) }),
      encodeRefusal({ code: 'SELF', detail: '' }),
    ]
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
    const plain = (value: Hello): unknown => ({ ...value, nonce: [...value.nonce], more: [...value.more] })
    assert.deepEqual(plain(hello.hello), plain(HELLO))
    assert.deepEqual([...proof.proof.mac], [...mac])
    assert.deepEqual(proof.claims, CLAIMS)
    assert.deepEqual(refusal.refusal, { code: 'SELF', detail: '' })
  })

  test('decodeHandshake: waits while a record is not complete', () => {
    const bytes = encodeHello(HELLO)
    for (let length = 0; length < bytes.length; length++) assert.equal(decodeHandshake(bytes.subarray(0, length)), undefined)
  })

  test('decodeHandshake: names the version of a hello from before there were ranges', () => {
    // As the release at commit 8936bd9 said it.
    const bytes = Uint8Array.fromHex(`01${'0075'}4153504e01${ID_A}${ID_B}${'01'.repeat(32)}${'02'.repeat(16)}`)
    assert.deepEqual(decodeHandshake(bytes)?.record, { type: 'other-version', versions: { min: 1, max: 1 } })
  })

  test('decodeHandshake: keeps what later versions have added to a hello, unless it must be understood', () => {
    const more = Uint8Array.fromHex('ac020107')
    const bytes = encodeHello({ ...HELLO, more })
    const record = decodeHandshake(bytes)?.record
    assert.ok(record?.type === 'hello')
    assert.equal(encodeHello(record.hello).toHex(), bytes.toHex(), 'the proof is over the very bytes that were said')
    assert.throws(() => decodeHandshake(encodeHello({ ...HELLO, more: Uint8Array.fromHex('ad020107') })), /must be understood/)
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

  test('decodeReason: reads a code of a later version as REFUSED, and skips what is added to a reason', () => {
    assert.deepEqual(decodeReason(Uint8Array.of(120, 1, 0x78)), { code: 'REFUSED', detail: 'x' })
    assert.deepEqual(decodeReason(Uint8Array.fromHex('0301' + '78' + '040109')), { code: 'SELF', detail: 'x' })
  })

  test('decodeClaims: skips what later versions have added, and takes absent fields for what came before them', () => {
    assert.deepEqual(decodeClaims(Uint8Array.fromHex('020103' + '4c0109')), {
      nodeId: 3,
      clusterId: null,
      addresses: [],
      languageVersion: 1,
    })
    assert.throws(() => decodeClaims(Uint8Array.fromHex('020103' + '4d0109')), /field 77 must be understood/)
    assert.throws(() => decodeClaims(Uint8Array.fromHex('02020300')), WireError)
  })
})

test('commonVersion: is the highest that both speak', () => {
  const range = (min: number, max: number): { min: number; max: number } => ({ min, max })
  assert.equal(commonVersion(range(2, 5), range(3, 9)), 5)
  assert.equal(commonVersion(range(3, 9), range(2, 5)), 5)
  assert.equal(commonVersion(range(2, 2), range(2, 2)), 2)
  assert.equal(commonVersion(range(2, 4), range(5, 6)), undefined)
  assert.equal(commonVersion(range(5, 6), range(2, 4)), undefined)
  assert.equal(commonVersion(LINK_VERSIONS, range(1, 1)), undefined)
})

test('encodeProofInput: differs whenever anything that was said differs', () => {
  const base: ProofInput = {
    role: 'dialer',
    protocol: 'p/1',
    dialer: HELLO,
    acceptor: { ...HELLO, from: ID_B, to: ID_A },
    version: 2,
    features: 0,
    said: encodeClaims(CLAIMS),
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
    { ...base, said: encodeClaims({ ...CLAIMS, clusterId: null }) },
    { ...base, said: encodeClaims({ ...CLAIMS, nodeId: 301 }) },
    { ...base, version: 3 },
    { ...base, features: 1 },
    { ...base, dialer: { ...HELLO, versions: { min: 2, max: 2 } } },
    { ...base, acceptor: { ...base.acceptor, features: 1 } },
    { ...base, dialer: { ...HELLO, more: Uint8Array.of(2, 0) } },
  ]
  assert.equal(new Set(variants.map((input) => encodeProofInput(input).toHex())).size, variants.length)
})
