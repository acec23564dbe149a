/** What an operator asks one node to do to itself. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AspenError } from '../../api/index.ts'
import { MAX_SMALL_HTTP_BODY_SIZE } from '../../limits.ts'
import { RestartAnswer, RestartBody } from './cluster-schemas.ts'
import { localErrors, settle } from './route.ts'
import type { Route, RouteContext } from './route.ts'

function handleRestart({ actors }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const { actor, timeout_ms: timeoutMs } = request.body as { readonly actor: string; readonly timeout_ms?: number }
  if (actors === null) throw new AspenError('NOT_IMPLEMENTED', 'what serves here has no actors to start again')
  settle(actors.restartActor(actor, timeoutMs === undefined ? {} : { timeoutMs }), reply, () => {
    reply.send({ success: true, actor })
  })
}

export function adminRoutes(context: RouteContext): readonly Route[] {
  return [
    {
      method: 'POST',
      url: '/admin/restart',
      scope: 'admin',
      operation: 'restartActor',
      summary: 'Ends an actor of this node in good order and starts it again; answered when it serves again.',
      body: RestartBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'It serves again.', schema: RestartAnswer } },
      errors: localErrors('NOT_IMPLEMENTED'),
      handle: (request, reply) => handleRestart(context, request, reply),
    },
  ]
}
