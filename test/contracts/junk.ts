/** What a program that no compiler has seen may hand over in place of what it should. */
import fc from 'fast-check'

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

function cutShort(): Uint8Array {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 })
  const bytes = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  return bytes
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

class Boastful extends Uint8Array {
  override get length(): number {
    return Number.NaN
  }
}

/** An object whose fields throw when they are read. */
function throwing(name: string): object {
  return Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('a getter that throws')
    },
  })
}

/** A field that is text when it is looked at first, and a number from then on. */
function changing(name: string): object {
  let reads = 0
  return Object.defineProperty({}, name, { enumerable: true, get: () => (reads++ === 0 ? 'text' : 5) })
}

const MAKERS: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 5,
  () => 1.5,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 2 ** 53,
  () => 10n,
  () => Symbol('junk'),
  () => () => 'a function',
  () => '',
  () => 'text',
  () => '5',
  () => 'yes',
  () => '\ud800',
  () => 'z'.repeat(70_000),
  () => [],
  () => [[]],
  () => [undefined],
  () => Array(3),
  () => [1, 2],
  () => Array.from({ length: 50_000 }, () => 1),
  () => ({}),
  () => ({ length: 3 }),
  () => ({ length: Number.NaN }),
  () => Object.create(null) as unknown,
  () => new Map([['key', 'k']]),
  () => new Date(0),
  () => new Error('an error'),
  () => Promise.resolve('k'),
  () => new String('boxed'),
  () => new ArrayBuffer(4),
  () => new SharedArrayBuffer(4),
  () => new Uint8Array(new SharedArrayBuffer(4)),
  () => new Uint16Array(4),
  () => new Float64Array([Number.NaN]),
  () => new Uint8ClampedArray(4),
  () => new DataView(new ArrayBuffer(4)),
  () => Buffer.from('bytes'),
  () => new Uint8Array(4),
  () => new Boastful(4),
  () => new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 })),
  detached,
  cutShort,
  revoked,
  () => new Proxy([], { get: () => Number.NaN }),
  () => new Proxy(new Uint8Array(4), {}),
  () => AbortSignal.abort(),
  () => throwing('key'),
  () => throwing('timeoutMs'),
  () => changing('key'),
  () => ({ __proto__: { key: 'inherited' } }),
  () => JSON.parse('{"__proto__":{"key":"k"}}') as unknown,
]

/** How arguments that are right are spoilt: a recipe, because what it makes may be nothing that a test can hold or print. */
interface Spoiling {
  readonly how: 'replace' | 'add' | 'rename' | 'remove'
  readonly place: number
  readonly name: string
  readonly junk: number
}

const NAMES = ['keys', 'Key', 'Set', 'Delete', 'timeoutMS', 'value', 'absent', 'toString', 'signal'] as const

/** One to three things that are wrong with arguments. */
export const spoilings: fc.Arbitrary<readonly Spoiling[]> = fc.array(
  fc.record({
    how: fc.constantFrom('replace', 'replace', 'replace', 'add', 'rename', 'remove'),
    place: fc.nat(1000),
    name: fc.constantFrom(...NAMES),
    junk: fc.nat(MAKERS.length - 1),
  }),
  { minLength: 1, maxLength: 3 },
)

interface Place {
  readonly parent: Record<string, unknown>
  readonly name: string
}

/** Every place in a tree of plain objects and arrays where something stands. */
function placesIn(tree: unknown): readonly Place[] {
  if (typeof tree !== 'object' || tree === null || ArrayBuffer.isView(tree)) return []
  const parent = tree as Record<string, unknown>
  return Object.keys(parent).flatMap((name) => [{ parent, name }, ...placesIn(parent[name])])
}

/** Spoils arguments in place. */
export function spoil(args: unknown[], all: readonly Spoiling[]): unknown[] {
  const places = placesIn(args)
  for (const { how, place, name, junk } of all) {
    const { parent, name: present } = places[place % places.length] as Place
    const value = how === 'rename' ? parent[present] : MAKERS[junk]?.()
    if (how === 'replace') parent[present] = value
    else if (how === 'remove') delete parent[present]
    else parent[name] = value
    if (how === 'rename') delete parent[present]
  }
  return args
}
