/**
 * The OpenAPI document: the very schemas that the server validates and answers with, so that the description cannot drift from
 * what is done. They are written as JSON Schema of 2020-12, which is what OpenAPI 3.1 takes.
 */
import { ERROR_CATALOGUE } from '../../api/index.ts'
import type { ErrorCode } from '../../api/index.ts'
import type { Route } from './route.ts'
import { errorSchema } from './schema-parts.ts'
import type { Schema } from './schema.ts'

const JSON_TYPE = 'application/json'

interface Answer {
  readonly description: string
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>
}

function codesByStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
  const groups = new Map<number, ErrorCode[]>()
  for (const code of codes) {
    const { status } = ERROR_CATALOGUE[code]
    const group = groups.get(status) ?? []
    if (!group.includes(code)) group.push(code)
    groups.set(status, group)
  }
  return groups
}

function errorAnswers(route: Route): [number, Answer][] {
  return [...codesByStatus(route.errors)]
    .filter(([status]) => route.answers[status] === undefined)
    .map(([status, codes]) => {
      return [status, { description: codes.join(', '), content: { [JSON_TYPE]: { schema: errorSchema(codes) } } }]
    })
}

function successAnswers(route: Route): [number, Answer][] {
  return Object.entries(route.answers).map(([status, { description, schema, contentType = JSON_TYPE }]) => [
    Number(status),
    { description, content: { [contentType]: { schema } } },
  ])
}

/** Examples of a whole body stand beside its schema: tools look for them there. */
function bodyOf(body: Schema): object {
  const { examples = [], ...schema } = body
  const [example, ...others] = examples as readonly unknown[]
  const named = Object.fromEntries([example, ...others].map((value, i) => [`example${i + 1}`, { value }]))
  const shown = others.length > 0 ? { examples: named } : example === undefined ? {} : { example }
  return {
    required: ![schema['type']].flat().includes('null'),
    content: { [JSON_TYPE]: { schema, ...shown } },
    ...(schema['description'] === undefined ? {} : { description: schema['description'] }),
  }
}

function operationOf(route: Route): object {
  const { operation, summary, body, query = {}, scope } = route
  const parameters = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
  return {
    operationId: operation,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: bodyOf(body) }),
    ...(scope === 'open' ? { security: [] } : { 'x-aspen-scope': scope }),
    responses: Object.fromEntries([...successAnswers(route), ...errorAnswers(route)]),
  }
}

/** The document as JSON. `secured` says whether routes that are not open want a token. */
export function describeRoutes(routes: readonly Route[], secured: boolean): string {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) paths[route.url] = { ...paths[route.url], [route.method.toLowerCase()]: operationOf(route) }
  return JSON.stringify({
    openapi: '3.1.0',
    info: {
      title: 'Aspen',
      description:
        'Fault-tolerant coordination: a Raft-replicated, linearizable, ordered key-value store. Any node takes any request.',
      version: '1.0.0',
      license: { name: '(Apache-2.0 OR MIT)' },
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: {} },
    paths,
    ...(secured ? { security: [{ token: [] }] } : {}),
  })
}
