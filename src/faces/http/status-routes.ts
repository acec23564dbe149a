/** The GET routes: what a node says of itself. */
import { HealthAnswer, LeaderAnswer, NodeInfoAnswer, RaftMetricsAnswer, ReadyAnswer } from './cluster-schemas.ts'
import { settle, statusErrors } from './route.ts'
import type { Route, RouteContext } from './route.ts'
import { Type } from './schema.ts'
import { healthJson, nodeInfoJson, raftMetricsJson, readyJson } from './status-json.ts'

const PlainText = Type.String()

function healthRoute(context: RouteContext): Route {
  return {
    method: 'GET',
    url: '/health',
    scope: 'open',
    operation: 'health',
    summary:
      'Whether this node makes progress. Answered without a token and for any Host; details of checks are for those with both.',
    answers: {
      200: { description: 'It does.', schema: HealthAnswer },
      503: { description: 'It is poisoned, stopping, or its actor does not answer.', schema: HealthAnswer },
    },
    errors: ['INVALID_REQUEST', 'FORBIDDEN', 'HEADERS_TOO_LARGE', 'INTERNAL'],
    handle: (request, reply) => {
      const told = context.trusts(request.raw)
      const { alive, body } = healthJson(context.status.status(), { stopping: context.stopping(), told })
      reply.code(alive ? 200 : 503).send(body)
    },
  }
}

function readyRoute(context: RouteContext): Route {
  return {
    method: 'GET',
    url: '/ready',
    scope: 'open',
    operation: 'ready',
    summary: 'Whether reads and writes are likely to succeed here: for balancers. Answered without a token and for any Host.',
    answers: {
      200: { description: 'They are.', schema: ReadyAnswer },
      503: { description: 'They are not, for this reason.', schema: ReadyAnswer },
    },
    errors: ['INVALID_REQUEST', 'FORBIDDEN', 'HEADERS_TOO_LARGE', 'INTERNAL'],
    handle: (_request, reply) => {
      const { ready, body } = readyJson(context.status.status(), context.stopping())
      reply.code(ready ? 200 : 503).send(body)
    },
  }
}

function metricsRoute({ metrics, answers }: RouteContext): Route {
  return {
    method: 'GET',
    url: '/metrics',
    scope: 'read',
    operation: 'metrics',
    summary: 'Metrics in the text format of Prometheus.',
    answers: { 200: { description: 'The metrics.', schema: PlainText, contentType: metrics.contentType } },
    errors: statusErrors(),
    handle: (_request, reply) => {
      settle(metrics.render(), reply, (text) => {
        const refusal = answers.take(reply.raw, Buffer.byteLength(text))
        if (refusal !== undefined) throw refusal
        reply.header('content-type', metrics.contentType).send(text)
      })
    },
  }
}

export function statusRoutes(context: RouteContext): readonly Route[] {
  const { controller, status } = context
  return [
    healthRoute(context),
    readyRoute(context),
    metricsRoute(context),
    {
      method: 'GET',
      url: '/raft-metrics',
      scope: 'read',
      operation: 'raftMetrics',
      summary: 'The state of consensus on this node.',
      answers: { 200: { description: 'The state.', schema: RaftMetricsAnswer } },
      errors: statusErrors(),
      handle: (_request, reply) => {
        reply.send(raftMetricsJson(status.status()))
      },
    },
    {
      method: 'GET',
      url: '/leader',
      scope: 'read',
      operation: 'leader',
      summary: 'The leader as this node knows it.',
      answers: { 200: { description: 'Its node id, or null.', schema: LeaderAnswer } },
      errors: statusErrors(),
      handle: (_request, reply) => {
        settle(controller.leader(), reply, (leader) => {
          reply.send({ leader })
        })
      },
    },
    {
      method: 'GET',
      url: '/node-info',
      scope: 'read',
      operation: 'nodeInfo',
      summary: 'Identity, addresses and peers of this node.',
      answers: { 200: { description: 'The node.', schema: NodeInfoAnswer } },
      errors: statusErrors(),
      handle: (_request, reply) => {
        reply.send(nodeInfoJson(status.status()))
      },
    },
  ]
}
