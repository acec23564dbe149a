/** Arbitrary requests to a key-value store, good and bad, that do not depend on where in the log they meet it. */
import fc from 'fast-check'
import type { ClientSequence, Data, ScanRequest, WriteCommand, WriteCondition, WriteOperation } from '../../src/api/index.ts'
import { utf8 } from './key-value-store-place.ts'

/** A key behind the prefix of its run; null is no key at all. */
type Suffix = string | Uint8Array | null

type Condition =
  | { readonly kind: 'value'; readonly key: Suffix; readonly value: Data }
  /** Counted from the beginning of the run; null stands for the revision of what does not exist. */
  | { readonly kind: 'revision'; readonly key: Suffix; readonly offset: number | null }
  | { readonly kind: 'absent'; readonly key: Suffix; readonly absent: boolean }

type Operation =
  | { readonly kind: 'set'; readonly key: Suffix; readonly value: Data }
  | { readonly kind: 'delete' | 'get'; readonly key: Suffix }

type Command =
  | { readonly kind: 'set-multi'; readonly pairs: readonly (readonly [Suffix, Data])[] }
  | { readonly kind: 'delete-multi'; readonly keys: readonly Suffix[] }
  | { readonly kind: 'operation'; readonly operation: Operation }
  | {
      readonly kind: 'txn'
      readonly compare: readonly Condition[]
      readonly then: readonly Operation[]
      readonly otherwise: readonly Operation[] | null
    }

export type Request =
  | { readonly type: 'write'; readonly command: Command; readonly origin: ClientSequence | null }
  | { readonly type: 'read'; readonly key: Suffix }
  | {
      readonly type: 'scan'
      readonly by: 'prefix' | 'range'
      readonly from: Suffix
      readonly to: Suffix
      readonly limit: number
    }

/** Few keys, so that requests meet; prefixes of each other, other orders in UTF-16, bytes that are no text, and one too long. */
const key: fc.Arbitrary<Suffix> = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('a', 'ab', 'b', 'é', '\uff5e', '😀', '\u0000', '%_') },
  { weight: 8, arbitrary: fc.constantFrom(Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff), Uint8Array.of(0x61, 0)) },
  { weight: 1, arbitrary: fc.constantFrom(null, 'x'.repeat(1025), '\ud800') },
)
const value: fc.Arbitrary<Data> = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom('', '1', '2', Uint8Array.of(), Uint8Array.of(0x31), Uint8Array.of(0xff)) },
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constant('\udc00') },
)

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ kind: fc.constant('value' as const), key, value }),
  fc.record({ kind: fc.constant('revision' as const), key, offset: fc.option(fc.nat(12)) }),
  fc.record({ kind: fc.constant('absent' as const), key, absent: fc.boolean() }),
)
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, value }),
  fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const), key }),
)
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('operation' as const), operation }),
  fc.record({ kind: fc.constant('set-multi' as const), pairs: fc.array(fc.tuple(key, value), { maxLength: 5 }) }),
  fc.record({ kind: fc.constant('delete-multi' as const), keys: fc.array(key, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('txn' as const),
    compare: fc.array(condition, { maxLength: 2 }),
    then: fc.array(operation, { maxLength: 5 }),
    otherwise: fc.option(fc.array(operation, { maxLength: 5 })),
  }),
)
const origin = fc.option(fc.record({ client: fc.constantFrom('x', 'y', 'zwölf'), sequence: fc.integer({ min: 0, max: 6 }) }), {
  freq: 2,
})

export const requests: fc.Arbitrary<Request> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('write' as const), command, origin }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('read' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('scan' as const),
      by: fc.constantFrom('prefix' as const, 'range' as const),
      from: key,
      to: key,
      limit: fc.constantFrom(1, 2, 3, 100, 0),
    }),
  },
)

/** Where a request is sent. */
interface Run {
  readonly prefix: string
  /** The revision at which the run began. */
  readonly base: number
}

export type SentRequest =
  | { readonly type: 'write'; readonly command: WriteCommand; readonly origin: ClientSequence | null }
  | { readonly type: 'read'; readonly key: Data }
  | { readonly type: 'scan'; readonly request: ScanRequest }

/** The request as this run sends it. */
export function requestOf(request: Request, run: Run): SentRequest {
  const { prefix } = run
  if (request.type === 'read') return { type: 'read', key: keyIn(request.key, prefix) }
  if (request.type === 'scan') {
    const { by, from, to, limit } = request
    const start = from === null ? prefix : keyIn(from, prefix)
    if (by === 'prefix') return { type: 'scan', request: { prefix: start, limit } }
    // The end of what is the run's own: behind every key that begins with its prefix.
    const end = to === null ? `${prefix.slice(0, -1)}0` : keyIn(to, prefix)
    return { type: 'scan', request: { start, end, limit } }
  }
  const origin = request.origin && { ...request.origin, client: `${prefix}${request.origin.client}` }
  return { type: 'write', command: commandIn(request.command, run), origin }
}

function keyIn(suffix: Suffix, prefix: string): Data {
  if (suffix === null) return ''
  return typeof suffix === 'string' ? `${prefix}${suffix}` : Uint8Array.from([...utf8(prefix), ...suffix])
}

function commandIn(given: Command, run: Run): WriteCommand {
  const { prefix } = run
  switch (given.kind) {
    case 'set-multi':
      return { SetMulti: { pairs: given.pairs.map(([suffix, data]) => [keyIn(suffix, prefix), data] as const) } }
    case 'delete-multi':
      return { DeleteMulti: { keys: given.keys.map((suffix) => keyIn(suffix, prefix)) } }
    case 'operation':
      return singleIn(given.operation, run)
    case 'txn': {
      const compare = given.compare.map((one) => conditionIn(one, run))
      const then = given.then.map((one) => operationIn(one, prefix))
      if (given.otherwise === null) return { Txn: { compare, then } }
      return { Txn: { compare, then, else: given.otherwise.map((one) => operationIn(one, prefix)) } }
    }
  }
}

/** A get is no command of its own: it is a transaction that does nothing else. */
function singleIn(given: Operation, { prefix }: Run): WriteCommand {
  const write = operationIn(given, prefix)
  return 'Get' in write ? { Txn: { compare: [], then: [write] } } : write
}

function operationIn(given: Operation, prefix: string): WriteOperation {
  const own = keyIn(given.key, prefix)
  if (given.kind === 'set') return { Set: { key: own, value: given.value } }
  return given.kind === 'delete' ? { Delete: { key: own } } : { Get: { key: own } }
}

function conditionIn(given: Condition, { prefix, base }: Run): WriteCondition {
  const own = keyIn(given.key, prefix)
  if (given.kind === 'value') return { key: own, value: given.value }
  if (given.kind === 'absent') return { key: own, absent: given.absent }
  return { key: own, mod_revision: given.offset === null ? 0 : base + given.offset }
}
