/**
 * The OpenAPI document: made from the very schemas that the server validates and answers with. Few nodes are ever asked
 * for it, so what makes it is loaded by the first who asks.
 */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import Fastify from 'fastify'
import { ERROR_CATALOGUE } from '../../api/index.ts'
import type { ErrorCode } from '../../api/index.ts'
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

function openapiOptions(routes: readonly Route[], secured: boolean): FastifyDynamicSwaggerOptions {
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

/** The document as JSON. `secured` says whether routes that are not open want a token. */
export async function describeRoutes(routes: readonly Route[], secured: boolean): Promise<string> {
  const { default: swagger } = await import('@fastify/swagger')
  // An application that serves nobody: the generator collects routes as they are added.
  const app = Fastify({ logger: false, exposeHeadRoutes: false })
  await app.register(swagger, openapiOptions(routes, secured))
  for (const { method, url } of routes) app.route({ method, url, handler: () => undefined })
  await app.ready()
  const document = JSON.stringify(app.swagger())
  await app.close()
  return document
}
