import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  MAX_ADDRESS_SIZE,
  MAX_LEARNERS,
  MAX_MEMBER_ADDRESSES,
  MAX_RELAY_URL_SIZE,
  MIN_CLIENT_SEQUENCE,
} from '../../src/limits.ts'
import { checkAnswer, validator } from './check-answer.ts'
import { createFixture } from './fixture.ts'

const ROUTES = {
  get: [
    '/health',
    '/metrics',
    '/raft-metrics',
    '/ready',
    '/leader',
    '/node-info',
    '/peers',
    '/nodes',
    '/admin/backup',
    '/why',
    '/cluster-ticket',
    '/openapi.json',
  ],
  post: [
    '/init',
    '/add-learner',
    '/change-membership',
    '/add-peer',
    '/forget-peer',
    '/remove-peer',
    '/admin/promote-learner',
    '/admin/restart',
    '/admin/transfer-leadership',
    '/raise-version',
    '/write',
    '/read',
    '/scan',
    '/trigger-snapshot',
  ],
}

const PEER = { node_id: 2, endpoint_id: 'ab'.repeat(32) }
const COMMAND = { Set: { key: 'k', value: 'v' } }

/** Requests at a bound, or past it by so many. */
const AT_BOUNDS: readonly (readonly [path: string, request: (past: number) => object])[] = [
  ['/add-peer', (past) => ({ ...PEER, addresses: Array.from({ length: MAX_MEMBER_ADDRESSES + past }, () => 'host:1') })],
  ['/add-peer', (past) => ({ ...PEER, addresses: ['a'.repeat(MAX_ADDRESS_SIZE + past)] })],
  [
    '/add-peer',
    (past) => ({ ...PEER, addresses: ['host:1'], relay: 'https://r.example/'.padEnd(MAX_RELAY_URL_SIZE + past, 'r') }),
  ],
  ['/change-membership', (past) => ({ members: [1], learners: Array.from({ length: MAX_LEARNERS + past }, (_, i) => i + 2) })],
  ['/write', (past) => ({ command: COMMAND, client_id: 'c', sequence: MIN_CLIENT_SEQUENCE - past })],
]

interface Documented {
  readonly operationId: string
  readonly summary: string
  readonly requestBody?: {
    readonly required: boolean
    readonly content: { readonly 'application/json': { readonly schema: { readonly examples?: readonly unknown[] } } }
  }
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Record<string, unknown> }>> }>
  >
}

describe('/openapi.json', () => {
  test('lists every route, each with a request, its answers and its errors', async () => {
    const { get } = await createFixture()
    const { status, body } = await get('/openapi.json')
    assert.deepEqual([status, body.openapi], [200, '3.1.0'])
    const listed = Object.entries(body.paths as Record<string, Record<string, Documented>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    )
    const expected = Object.entries(ROUTES).flatMap(([method, paths]) => paths.map((path) => `${method} ${path}`))
    assert.deepEqual(listed.toSorted(), expected.toSorted())
    for (const path of ROUTES.post) {
      const operation: Documented = body.paths[path].post
      assert.ok(operation.requestBody !== undefined && operation.summary.length > 0, path)
      assert.equal(operation.requestBody.required, path !== '/trigger-snapshot', `${path} needs a body`)
      for (const wanted of ['200', '400', '401', '403', '413', '415', '429', '431', '500', '503', '504']) {
        assert.ok(wanted in operation.responses, `${path} ${wanted}`)
      }
    }
  })

  test('its examples: are what its schemas describe', async () => {
    const { openapi } = await createFixture()
    let examples = 0
    for (const [path, methods] of Object.entries(openapi.paths as unknown as Record<string, Record<string, Documented>>)) {
      for (const operation of Object.values(methods)) {
        const schemas: Record<string, unknown>[] = Object.values(operation.responses).flatMap((response) =>
          Object.values(response.content).map((media) => media.schema),
        )
        const request = operation.requestBody?.content['application/json']
        if (request !== undefined) {
          assert.ok(exampleList(request).length > 0, `${path} has no example of a request`)
          schemas.push({ ...request.schema, examples: exampleList(request) })
        }
        for (const schema of schemas) {
          for (const example of (schema['examples'] as unknown[] | undefined) ?? []) {
            const validate = validator(schema)
            assert.ok(validate(example), `${path}: ${JSON.stringify(example)} ${JSON.stringify(validate.errors)}`)
            examples++
          }
        }
      }
    }
    assert.ok(examples >= 15, `only ${examples} examples`)
  })

  test('its requests: end where the bounds of a node do', async () => {
    const { openapi } = await createFixture()
    for (const [path, request] of AT_BOUNDS) {
      const schema = openapi.paths[path]?.['post']?.requestBody?.content['application/json']?.schema
      assert.ok(schema !== undefined, path)
      const validate = validator(schema)
      assert.ok(validate(request(0)), `${path} at the bound: ${JSON.stringify(validate.errors)}`)
      assert.ok(!validate(request(1)), `${path} past the bound: ${JSON.stringify(request(1)).slice(0, 100)}`)
    }
  })

  test('checkAnswer: finds what is missing, surplus or of another type', async () => {
    const { openapi } = await createFixture()
    checkAnswer(openapi, 'GET', '/leader', 200, { leader: 1 })
    for (const body of [{}, { leader: '1' }, { leader: 1, term: 2 }, null]) {
      assert.throws(() => checkAnswer(openapi, 'GET', '/leader', 200, body))
    }
    assert.throws(() => checkAnswer(openapi, 'GET', '/leader', 418, { leader: 1 }))
    const error = { code: 'KEY_NOT_FOUND', message: '', retryable: false, details: {} }
    checkAnswer(openapi, 'POST', '/read', 404, { error })
    assert.throws(() => checkAnswer(openapi, 'POST', '/read', 404, { error: { ...error, code: 'NODE_UNKNOWN' } }))
  })
})

/** Where the generator put the examples of a request: beside the schema, by name or number. */
function exampleList(media: {
  readonly schema: Record<string, unknown>
  readonly examples?: Record<string, { readonly value: unknown }>
  readonly example?: unknown
}): unknown[] {
  const beside = Object.values(media.examples ?? {}).map((example) => example.value)
  const inside = (media.schema['examples'] as unknown[] | undefined) ?? []
  return [...beside, ...inside, ...(media.example === undefined ? [] : [media.example])]
}
