/** Requests that are nearly what a route takes. */
import { METHODS } from 'node:http'
import { chance, concatBytes, pick, randomBetween, utf8Encode } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

export interface FuzzRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

const ENDPOINT = 'ab'.repeat(32)

/** Bodies that are accepted, by path. */
const BODIES: Readonly<Record<string, readonly Json[]>> = {
  '/write': [
    { command: { Set: { key: 'a', value: 'b' } } },
    {
      command: {
        SetMulti: {
          pairs: [
            ['a', 'b'],
            ['c', 'd'],
          ],
        },
      },
      timeout_ms: 100,
    },
    { command: { Delete: { key: 'a' } }, client_id: 'me', sequence: 1 },
    { command: { DeleteMulti: { keys: ['a', 'c'] } } },
    { command: { Set: { key: 'a', value: 'AAEC' } }, values: 'base64', keys: 'base64' },
    {
      command: {
        Txn: {
          compare: [
            { key: 'a', absent: true },
            { key: 'b', mod_revision: 2 },
            { key: 'c', value: 'x' },
          ],
          then: [{ Set: { key: 'a', value: 'b' } }, { Delete: { key: 'b' } }],
          else: [{ Get: { key: 'a' } }],
        },
      },
    },
  ],
  '/read': [{ key: 'a' }, { key: 'a', metadata: true, values: 'base64' }],
  '/scan': [{}, { prefix: 'a', limit: 10 }, { start: 'a', end: 'z', token: null }, { prefix: '', token: 'YQ==' }],
  '/init': [{ members: [1] }, { members: [1, 2, 3] }],
  '/add-learner': [{ node_id: 2 }, { node_id: 2, endpoint_id: ENDPOINT }],
  '/change-membership': [{ members: [1] }, { members: [1, 2], learners: [3] }],
  '/add-peer': [{ node_id: 2, endpoint_id: ENDPOINT, addresses: ['127.0.0.1:1'], relay: null }],
  '/raise-version': [{ version: 1 }, { version: 2, timeout_ms: 50 }],
  '/trigger-snapshot': [{}, { timeout_ms: 50 }],
}
export const POST_PATHS = Object.keys(BODIES)
export const GET_PATHS = ['/health', '/metrics', '/leader', '/raft-metrics', '/node-info', '/cluster-state', '/openapi.json']

const ODD: readonly Json[] = [
  null,
  true,
  '',
  'x',
  ' ',
  '\u0000',
  '\ud800',
  '\udc00a',
  '💥',
  'é',
  'e\u0301',
  'key',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(1025),
  'y'.repeat(70_000),
  '*',
  'YR==',
  '1',
  0,
  -1,
  -0,
  1.5,
  1e21,
  1e308,
  2 ** 53,
  2 ** 53 - 1,
  Number.MIN_VALUE,
  [],
  {},
  [[]],
  [null],
  { length: 1 },
  { toJSON: 1, valueOf: null },
]
const NAMES = [
  'key',
  'value',
  'Set',
  'Get',
  'command',
  'members',
  'node_id',
  'limit',
  'token',
  'timeout_ms',
  '__proto__',
  'constructor',
  '',
  'KEY',
  'ttl',
]

function oddValue(random: Random): Json {
  if (chance(random, 0.05)) return Array.from({ length: randomBetween(random, 90, 1200) }, () => pick(random, ODD.slice(0, 12)))
  return pick(random, ODD)
}

/** Changes one place of a value. */
function nearMiss(random: Random, value: Json): Json {
  if (typeof value !== 'object' || value === null || chance(random, 0.2)) return oddValue(random)
  if (Array.isArray(value)) return nearList(random, value as readonly Json[])
  return Object.fromEntries(nearMembers(random, Object.entries(value)))
}

const CHANGES = ['add', 'drop', 'repeat', 'inside', 'inside', 'inside', 'inside'] as const

function nearList(random: Random, list: readonly Json[]): Json[] {
  const at = randomBetween(random, 0, Math.max(0, list.length - 1))
  const item = list[at]
  const change = pick(random, CHANGES)
  if (item === undefined || change === 'add') return [...list, oddValue(random)]
  if (change === 'drop') return list.toSpliced(at, 1)
  return change === 'repeat' ? [...list, item] : list.with(at, nearMiss(random, item))
}

type Member = [name: string, value: Json]

function nearMembers(random: Random, members: readonly Member[]): Member[] {
  const at = randomBetween(random, 0, Math.max(0, members.length - 1))
  const member = members[at]
  const change = pick(random, CHANGES)
  if (member === undefined || change === 'add') return [...members, [pick(random, NAMES), oddValue(random)]]
  if (change === 'drop') return members.toSpliced(at, 1)
  return members.with(at, change === 'repeat' ? [pick(random, NAMES), member[1]] : [member[0], nearMiss(random, member[1])])
}

/** What no value can say: members named twice, numbers of any size, nesting without end, loose syntax. */
const TEXT_DAMAGE: readonly ((random: Random, text: string) => string)[] = [
  (random, text) => text.replace('{', `{"${pick(random, NAMES)}":${JSON.stringify(oddValue(random))},`),
  (random, text) => text.replace(/("[^"]*":)/, (all) => `${all}1,${all}`.replace('1,', `${JSON.stringify(oddValue(random))},`)),
  (random, text) => text.replace(/:(?=[^:]*$)/, () => `:${'['.repeat(randomBetween(random, 1, 20_000))}`),
  (random, text) => {
    const depth = randomBetween(random, 1, 5_000)
    return text.replace(/:(?=[^:]*$)/, () => `:${'{"a":'.repeat(depth)}1${'}'.repeat(depth)},"b":`)
  },
  (random, text) =>
    text.replace(/\d+/, () =>
      pick(random, ['1e999', '-1e999', '1'.repeat(5000), '1e-400', '01', '+1', '.5', '0x1', 'NaN', '1_0']),
    ),
  (random, text) =>
    text.replace(/[a-z]/, () => pick(random, ['\\ud800', '\\udc00\\ud800', '\\u0000', '\\x41', '\\', '\u2028', '\t', '"'])),
  (_random, text) => text.replaceAll('"', "'"),
  (_random, text) => `\ufeff${text}`,
  (_random, text) => `${text}${text}`,
  (_random, text) => text.replaceAll(',', ',,'),
  (random, text) => `${text}//${pick(random, ['', '\n', '/* */'])}`,
]

/** A body that is right but for bytes in a string that are no UTF-8. */
function notText(random: Random, text: string): Uint8Array {
  const bytes = Buffer.from(pick(random, ['ff', 'c0af', 'eda080', 'f4908080', 'c3']), 'hex')
  // Of a value where there is one, or else of a name.
  const at = Math.max(0, text.lastIndexOf('"'))
  return concatBytes([Buffer.from(text.slice(0, at)), bytes, Buffer.from(text.slice(at))])
}

function randomBody(random: Random, path: string): Uint8Array {
  if (chance(random, 0.03)) return randomBytes(random, 300)
  let value: Json = pick(random, BODIES[path] ?? BODIES['/read'] ?? [])
  if (chance(random, 0.02)) return notText(random, JSON.stringify(value))
  if (chance(random, 0.85)) for (let i = randomBetween(random, 1, 2); i > 0; i--) value = nearMiss(random, value)
  let text = JSON.stringify(value)
  if (chance(random, 0.2)) text = pick(random, TEXT_DAMAGE)(random, text)
  if (chance(random, 0.1)) return mutateBytes(random, utf8Encode(text.toWellFormed()), utf8Encode('{"[]}:,\\"'))
  return utf8Encode(text.toWellFormed())
}

const TYPES = [
  'text/plain',
  'application/jso',
  'application/json; charset=utf-16',
  'application/json;;;',
  'APPLICATION/JSON',
  'multipart/form-data; boundary=',
  ',',
  'application/json, text/plain',
  'x'.repeat(300),
]
const ODD_HEADERS: readonly (readonly [string, string])[] = [
  ['host', 'evil.example'],
  ['host', '127.0.0.1:99999999'],
  ['host', '[::1]:8080'],
  ['origin', 'https://evil.example'],
  ['origin', 'null'],
  ['authorization', 'Bearer x'],
  ['content-length', '3'],
  ['content-length', '-1'],
  ['content-length', '99999999999'],
  ['content-encoding', 'gzip'],
  ['transfer-encoding', 'chunked'],
  ['expect', 'something'],
  ['accept', 'text/html'],
  ['connection', 'upgrade'],
  ['upgrade', 'websocket'],
  ['accept-version', '9.9.9'],
  ['x-http-method-override', 'DELETE'],
  ['cookie', 'a'.repeat(8000)],
]
const ODD_PATHS = [
  '/',
  '/read/',
  '/READ',
  '/%72ead',
  '/read?x=1',
  '/read?__proto__[a]=1',
  '/read%',
  '/%',
  '/%00',
  '/read%2f',
  '/../read',
  '/read#a',
  '/*',
  '/:id',
  `/${'a'.repeat(3000)}`,
  '/constructor',
  '/health;a=1',
  '/%e0%80%80',
  '/write%3f',
  '/read\u00e9',
]

/** @param methods those that the way to the server can carry */
export function randomRequest(random: Random, methods: readonly string[] = METHODS): FuzzRequest {
  const path = chance(random, 0.85) ? pick(random, POST_PATHS) : pick(random, chance(random, 0.5) ? GET_PATHS : ODD_PATHS)
  const usual = POST_PATHS.includes(path) ? 'POST' : 'GET'
  const method = chance(random, 0.95) ? usual : pick(random, methods)
  const headers: Record<string, string> = { host: '127.0.0.1:8080' }
  const hasBody = usual === 'POST' || chance(random, 0.2)
  if (hasBody && chance(random, 0.97)) headers['content-type'] = chance(random, 0.95) ? 'application/json' : pick(random, TYPES)
  if (chance(random, 0.05)) {
    const [name, value] = pick(random, ODD_HEADERS)
    headers[name] = value
  }
  return { method, path, headers, body: hasBody ? randomBody(random, path) : undefined }
}

/** The request as it goes over a connection, whole or damaged. */
export function rawRequest(random: Random, request: FuzzRequest): Uint8Array {
  const body = request.body ?? new Uint8Array()
  const headers: Record<string, string> = { 'content-length': String(body.length), ...request.headers }
  if (headers['transfer-encoding'] !== undefined && chance(random, 0.7)) delete headers['content-length']
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const version = chance(random, 0.95) ? 'HTTP/1.1' : pick(random, ['HTTP/1.0', 'HTTP/2.0', 'HTTP/9', 'ICY', ''])
  const bytes = concatBytes([
    Buffer.from(`${request.method} ${request.path} ${version}\r\n${lines.join('')}\r\n`, 'latin1'),
    body,
  ])
  if (chance(random, 0.05)) return randomBytes(random, 2000)
  return chance(random, 0.3) ? mutateBytes(random, bytes, utf8Encode('\r\n\r\n: 0\r\n')) : bytes
}
