/** The OpenAPI document: made from the very schemas that the server validates and answers with. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { ERROR_CATALOGUE } from '../api/index.ts'
import type { ErrorCode } from '../api/index.ts'
import type { Route } from './route.ts'
import { errorSchema } from './schema-parts.ts'

type ResponseSchemas = Record<string, object>

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

function errorAnswers(route: Route): ResponseSchemas {
  const answers: ResponseSchemas = {}
  for (const [status, codes] of codesByStatus(route.errors)) {
    if (route.answers[status] === undefined) answers[status] = errorSchema(codes)
  }
  return answers
}

function successAnswers(route: Route): ResponseSchemas {
  const answers: ResponseSchemas = {}
  for (const [status, { description, schema, contentType = 'application/json' }] of Object.entries(route.answers)) {
    answers[status] = { description, content: { [contentType]: { schema } } }
  }
  return answers
}

/** What is documented and not compiled: the server serialises errors itself, the same way for all routes. */
function documented(route: Route): object {
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(route.body === undefined ? {} : { body: route.body }),
    ...(route.open === true ? { security: [] } : {}),
    response: { ...successAnswers(route), ...errorAnswers(route) },
  }
}

export function openapiOptions(routes: readonly Route[], secured: boolean): FastifyDynamicSwaggerOptions {
  const byUrl = new Map(routes.map((route) => [route.url, route]))
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Aspen',
        description:
          'Fault-tolerant coordination: a Raft-replicated, linearizable, ordered key-value store. Any node takes any request.',
        version: '1.0.0',
        license: { name: '(Apache-2.0 OR MIT)' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      ...(secured ? { security: [{ token: [] }] } : {}),
    },
    transform: ({ schema, url }) => {
      const route = byUrl.get(url)
      return { schema: route === undefined ? schema : documented(route), url }
    },
  }
}
