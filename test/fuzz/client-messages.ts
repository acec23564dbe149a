/** Requests of clients and answers to them, valid and damaged. */
import assert from 'node:assert/strict'
import { encodeEnvelope, toCommand } from '../../src/commands/index.ts'
import type { KeyValue } from '../../src/api/index.ts'
import { chance, concatBytes, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import {
  decodeClientAnswer,
  decodeClientRequest,
  encodeClientAnswer,
  encodeClientRequest,
  WireError,
} from '../../src/wire/index.ts'
import type { ClientAnswer, ClientRequest } from '../../src/wire/index.ts'
import type { Tally } from './flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

const KEYS = ['k', 'key-1', 'key-2', 'ü', 'z'.repeat(1024)]

function randomWrite(random: Random): Uint8Array {
  const key = pick(random, KEYS)
  const value = randomBytes(random, 40)
  const command = pick(random, [
    { Set: { key, value } },
    { Delete: { key } },
    { SetMulti: { pairs: [[key, value] as const, ['b', ''] as const] } },
    { DeleteMulti: { keys: [key, 'b'] } },
    { Txn: { compare: [{ key, absent: true }], then: [{ Get: { key } }, { Set: { key, value } }] } },
  ])
  const origin = chance(random, 0.2) ? { client: 'c', sequence: randomBetween(random, 1, 9) } : null
  return encodeEnvelope({ origin, command: toCommand(command) })
}

export function randomRequest(random: Random, id: number): ClientRequest {
  const timeoutMs = randomBetween(random, 1, 60_000)
  if (chance(random, 0.4)) return { type: 'write', id, timeoutMs, envelope: randomWrite(random) }
  if (chance(random, 0.5)) return { type: 'read', id, timeoutMs, key: Buffer.from(pick(random, KEYS)) }
  const request = pick(random, [
    {},
    { prefix: 'k' },
    { start: 'a', end: 'l', limit: 2 },
    { limit: 1000 },
    { prefix: 'k', token: 's1.a2V5LTE' },
  ])
  return { type: 'scan', id, timeoutMs, request }
}

function randomEntry(random: Random): KeyValue {
  const modRevision = randomBetween(random, 1, 1_000_000)
  return { key: Buffer.from(pick(random, KEYS)), value: randomBytes(random, 40), createRevision: 1, modRevision, version: 2 }
}

function randomAnswer(random: Random): ClientAnswer {
  const id = randomBetween(random, 1, 1_000_000)
  const entry = randomEntry(random)
  const logId = { term: 3, index: randomBetween(random, 1, 2 ** 40) }
  return pick<ClientAnswer>(random, [
    { type: 'written', id, result: { logId } },
    { type: 'written', id, result: { logId, txn: { succeeded: true, results: [{ type: 'set' }, { type: 'get', entry }] } } },
    { type: 'found', id, entry: null },
    { type: 'found', id, entry },
    { type: 'page', id, page: { entries: [entry, randomEntry(random)], token: chance(random, 0.5) ? null : 's1.a2V5' } },
    { type: 'error', id, code: 'NO_LEADER', message: 'because', details: { leader: null } },
    { type: 'drained' },
  ])
}

export const bytesOf = (request: ClientRequest): Uint8Array => concatBytes(encodeClientRequest(request))

/** Whatever can be read says the same again, byte for byte: no two messages mean the same. */
export function checkRequest(random: Random, tally: Tally): void {
  const bytes = mutateBytes(random, bytesOf(randomRequest(random, 7)), bytesOf(randomRequest(random, 300)))
  let request: ReturnType<typeof decodeClientRequest>
  try {
    request = decodeClientRequest(bytes)
  } catch (error) {
    assert.ok(error instanceof WireError, String(error))
    return tally.add('request refused')
  }
  if (request.type === 'unreadable') return tally.add('request unreadable')
  tally.add(`request ${request.type}`)
  assert.deepEqual(Buffer.from(bytesOf(request)), Buffer.from(bytes))
}

export function checkAnswer(random: Random, tally: Tally): void {
  const encode = (answer: ClientAnswer): Uint8Array => concatBytes(encodeClientAnswer(answer))
  const sound = randomAnswer(random)
  const whole = encode(sound)
  assert.deepEqual(Buffer.from(encode(decodeClientAnswer(whole))), Buffer.from(whole))
  const bytes = mutateBytes(random, whole, encode(randomAnswer(random)))
  let answer: ClientAnswer
  try {
    answer = decodeClientAnswer(bytes)
  } catch (error) {
    assert.ok(error instanceof WireError, String(error))
    return tally.add('answer refused')
  }
  tally.add(`answer ${answer.type}`)
  // The JSON of details has many spellings; everything else has one.
  if (answer.type !== 'error') assert.deepEqual(Buffer.from(encode(answer)), Buffer.from(bytes))
}
