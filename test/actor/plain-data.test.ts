import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { pick, Prng, randomBetween, WireError } from '../../src/lib/index.ts'
import { MAX_ACTOR_MESSAGE_BYTES, MAX_ACTOR_MESSAGE_DEPTH, MAX_ACTOR_MESSAGE_VALUES } from '../../src/limits.ts'
import { volume } from '../volume.ts'
import { decodePlainData, encodePlainData, PlainDataError } from '../../src/actor/plain-data/index.ts'

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, NaN, -0, 0, Infinity, -Infinity, 2 ** 53, -(2 ** 53)),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt(),
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array({ maxLength: 20 }),
  fc.date({ noInvalidDate: false }),
)
const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 5 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '0', '1', '10', '01', '4294967294', '4294967295', '-1', '1.5'),
)
const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('plain'), { maxLength: 5 }),
    fc.array(fc.tuple(key, tie('plain')), { maxLength: 6 }).map(objectOf),
    fc.array(fc.tuple(tie('plain'), tie('plain')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    fc.array(tie('plain'), { maxLength: 4 }).map((items) => new Set(items)),
  ),
}))

function objectOf(fields: readonly (readonly [string, unknown])[]): object {
  const object = {}
  for (const [name, value] of fields)
    Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  return object
}

function copyOf(value: unknown): unknown {
  return decodePlainData(encodePlainData(value))
}

function refusal(value: unknown): string {
  try {
    encodePlainData(value)
  } catch (error) {
    assert.ok(error instanceof PlainDataError, String(error))
    return error.message
  }
  assert.fail('it was encoded')
}

describe('plain data', () => {
  test('a copy is equal, and has the same bytes', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const bytes = encodePlainData(value)
        const copy = decodePlainData(bytes)
        assert.deepEqual(copy, value)
        assert.equal(encodePlainData(copy).toHex(), bytes.toHex())
      }),
      { numRuns: volume(20_000, 1_000) },
    )
  })

  test('a copy shares nothing with what it is of', () => {
    const bytes = Uint8Array.of(1, 2)
    const encoded = encodePlainData([bytes])
    bytes[0] = 9
    const [copy] = decodePlainData(encoded) as [Uint8Array]
    encoded.fill(0)
    assert.deepEqual(copy, Uint8Array.of(1, 2))
    assert.equal(copy.buffer.byteLength, 2)
  })

  test('a field called __proto__ is a field, and sets no prototype', () => {
    const copy = copyOf(JSON.parse('{"__proto__":{"evil":true},"a":1}')) as Record<string, unknown>
    assert.equal(Object.getPrototypeOf(copy), Object.prototype)
    assert.deepEqual(Object.keys(copy), ['__proto__', 'a'])
    assert.equal((copy as { evil?: unknown }).evil, undefined)
    assert.equal(({} as { evil?: unknown }).evil, undefined)
  })

  test('objects without a prototype, buffers and subclasses of arrays become what they are of', () => {
    assert.deepEqual(copyOf(Object.assign(Object.create(null) as object, { a: 1 })), { a: 1 })
    assert.deepEqual(copyOf(Buffer.from('ab')), Uint8Array.of(97, 98))
    assert.deepEqual(copyOf({ [Symbol('hidden')]: 1, seen: 2 }), { seen: 2 })
  })

  test('what is no plain data is refused, with the path to it', () => {
    const cycle: { list: unknown[] } = { list: [] }
    cycle.list.push({ back: cycle })
    const cases: readonly (readonly [unknown, string])[] = [
      [{ items: [1, 2, 3, { run: () => 1 }] }, 'body.items[3].run is a function: only plain data can be sent'],
      [Symbol('x'), 'body is a symbol: only plain data can be sent'],
      [{ 'a b': new Error('x') }, 'body["a b"] is an instance of Error: only plain data can be sent'],
      [new Map([[1, new WeakMap()]]), 'body<value 0> is an instance of WeakMap: only plain data can be sent'],
      [new Set([1, Promise.resolve()]), 'body<item 1> is an instance of Promise: only plain data can be sent'],
      [[new Uint16Array(1)], 'body[0] is an instance of Uint16Array: only plain data can be sent'],
      // oxlint-disable-next-line no-sparse-arrays -- what is refused
      [[1, , 3], 'body[1] is a hole of an array: give undefined or null'],
      [{ a: '\ud800' }, 'body.a is, or has as a key, a string with a lone surrogate, which is no valid Unicode'],
      [cycle, 'body.list[0].back contains itself: a cycle cannot be sent'],
      [{ n: 1n << 8192n }, 'body.n is a bigint of more than 1024 bytes, and too large to be sent'],
    ]
    for (const [value, words] of cases) assert.equal(refusal(value), words)
  })

  test('bounds: depth, values and bytes are refused where they are passed, and what fits them is sent', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
    assert.deepEqual(copyOf(nested(MAX_ACTOR_MESSAGE_DEPTH)), nested(MAX_ACTOR_MESSAGE_DEPTH))
    assert.match(refusal(nested(MAX_ACTOR_MESSAGE_DEPTH + 1)), /^body(\[0\]){64} lies deeper than 64 levels/)
    const many = Array.from({ length: MAX_ACTOR_MESSAGE_VALUES - 1 }, () => null)
    assert.deepEqual(copyOf(many), many)
    assert.match(refusal([...many, null]), /has 100000 items or fields/)
    assert.match(refusal([many.slice(1), null, null]), /body\[1\] is one value too many|body\[2\] is one value too many/)
    const most = MAX_ACTOR_MESSAGE_BYTES - 4
    assert.equal((copyOf(new Uint8Array(most)) as Uint8Array).length, most)
    assert.match(refusal(new Uint8Array(most + 1)), /body is where the message becomes larger than 1048576 bytes/)
    assert.match(refusal({ a: 'x'.repeat(most) }), /body.* is where the message becomes larger/)
    assert.equal(copyOf('é'.repeat(most / 2)), 'é'.repeat(most / 2))
    assert.match(refusal('é'.repeat(most / 2 + 1)), /larger/)
  })

  test('getters, proxies and pretenders do no harm', () => {
    const hostile: unknown[] = [
      {
        get a() {
          throw new Error('trap')
        },
      },
      {
        get a() {
          throw Object.create(null)
        },
      },
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('keys')
          },
        },
      ),
      new Proxy(
        {},
        {
          getPrototypeOf() {
            throw new Error('proto')
          },
        },
      ),
      new Proxy([], { get: (_, name) => (name === 'length' ? 1e9 : 1) }),
      new Proxy([], { get: (_, name) => (name === 'length' ? NaN : 1) }),
      new Proxy([], { get: (_, name) => (name === 'length' ? '3' : 1) }),
      new Proxy(new Date(), {}),
      new Proxy(new Map(), {}),
      new Proxy(Uint8Array.of(1), {}),
      Object.create(Uint8Array.prototype),
      Object.create(Map.prototype),
      Object.create(Date.prototype),
      Object.create({
        get constructor() {
          throw new Error('constructor')
        },
      }),
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      })(),
    ]
    for (const value of hostile) assert.match(refusal(value), /^body/)
    for (const length of [0, 100_000, -1, NaN]) {
      const liar = Object.defineProperty(Uint8Array.of(1, 2, 3), 'length', { value: length })
      assert.deepEqual(copyOf([liar, 'behind']), [Uint8Array.of(1, 2, 3), 'behind'])
    }
    assert.deepEqual(copyOf({ toJSON: 1 }), { toJSON: 1 })
    const shrinking: unknown[] = [
      {
        get a() {
          shrinking.length = 1
          return 1
        },
      },
      2,
    ]
    assert.equal(refusal(shrinking), 'body[1] is a hole of an array: give undefined or null')
    const map = new Map<unknown, unknown>()
    map.set(1, {
      get a() {
        map.set(2, 2)
        return 1
      },
    })
    assert.deepEqual(copyOf(map), new Map([[1, { a: 1 }]]))
    const within = {
      get a() {
        return copyOf([1])
      },
    }
    assert.deepEqual(copyOf({ b: within, c: 2 }), { b: { a: [1] }, c: 2 })
  })
})

describe('decodePlainData', () => {
  const malformed: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['a form that is none', '11'],
    ['bytes behind', '0100'],
    ['a number longer than it needs to be', '048000'],
    ['an integer below the smallest', '05ffffffffffffff0f'],
    ['an integer as a double', '06000000000000f03f'],
    ['zero as a double', '060000000000000000'],
    ['NaN as a double', '06000000000000f87f'],
    ['another NaN', '06010000000000f07f'],
    ['a bigint with a zero in front', '08020001'],
    ['a string that is no UTF-8', '0a01ff'],
    ['a string that ends too early', '0a0561'],
    ['a date of another kind', '0c0a0131'],
    ['a date beyond time', '0c048180f0ecc5acd90f'],
    ['an array longer than its bytes', '0dffffffff0f'],
    ['a field twice', '0e02' + '016101' + '016101'],
    ['an inherited name twice', '0e02' + '095f5f70726f746f5f5f01' + '095f5f70726f746f5f5f01'],
    ['an index behind a name', '0e02' + '016101' + '013101'],
    ['indices in another order', '0e02' + '013201' + '013101'],
    ['a key of a map twice', '0f02' + '040101' + '040101'],
    ['a key of a map that is -0', '0f01' + '060000000000000080' + '01'],
    ['an item of a set twice', '1002' + '07' + '07'],
    ['depth', '0d01'.repeat(65) + '01'],
  ]
  for (const [name, hex] of malformed)
    test(`refuses ${name}`, () => assert.throws(() => decodePlainData(Uint8Array.fromHex(hex)), WireError))

  test('refuses more bytes and values than a message holds', () => {
    assert.throws(() => decodePlainData(new Uint8Array(MAX_ACTOR_MESSAGE_BYTES + 1)), WireError)
    const nulls = new Uint8Array(4 + MAX_ACTOR_MESSAGE_VALUES).fill(1)
    nulls.set(Uint8Array.fromHex('0da08d06'))
    assert.throws(() => decodePlainData(nulls), /more than|claims/)
  })

  test('of any bytes, refuses them or gives a value with these very bytes', () => {
    const random = new Prng(20_261_201)
    const samples = fc.sample(plain, { numRuns: 200, seed: 7 }).map((value) => encodePlainData(value))
    const runs = volume(100_000, 6_000)
    let decoded = 0
    for (let run = 0; run < runs; run++) {
      const bytes = damage(random, pick(random, samples))
      let value: unknown
      try {
        value = decodePlainData(bytes)
      } catch (error) {
        assert.ok(error instanceof WireError, `${bytes.toHex()}: ${String(error)}`)
        continue
      }
      decoded++
      assert.equal(encodePlainData(value).toHex(), bytes.toHex())
    }
    assert.ok(decoded > runs / 100, `only ${decoded} were values`)
  })
})

/** One to three bytes of a value are others, or gone, or new. */
function damage(random: Prng, sample: Uint8Array): Uint8Array {
  const bytes = [...sample]
  for (let left = randomBetween(random, 1, 3); left > 0; left--) {
    const at = randomBetween(random, 0, bytes.length)
    const fresh = Array.from({ length: randomBetween(random, 0, 2) }, () =>
      randomBetween(random, 0, 3) === 0 ? random.nextUint32() & 0xff : randomBetween(random, 0, 17),
    )
    bytes.splice(at, randomBetween(random, 0, 2), ...fresh)
  }
  return Uint8Array.from(bytes)
}
