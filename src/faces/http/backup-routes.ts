/** A backup of the cluster, for whoever keeps it elsewhere. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AspenError } from '../../api/index.ts'
import { quorumErrors, settle } from './route.ts'
import type { Route, RouteContext } from './route.ts'
import { Type } from './schema.ts'

function isLocal(request: FastifyRequest): boolean {
  const { local, ...others } = request.query as Readonly<Record<string, unknown>>
  const [surplus] = Object.keys(others)
  if (surplus !== undefined)
    throw new AspenError('INVALID_REQUEST', `the query has ${JSON.stringify(surplus)}: it takes "local" only`)
  if (local === undefined || local === 'false') return false
  if (local === 'true') return true
  throw new AspenError('INVALID_REQUEST', 'local must be true or false')
}

function handleBackup({ backups }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  if (backups === null) throw new AspenError('NOT_IMPLEMENTED', 'what serves here has nothing to back up')
  settle(backups.backup({ local: isLocal(request) }), reply, (backup) => {
    reply
      .header('content-type', 'application/octet-stream')
      .header('content-length', backup.sizeBytes)
      .header('content-disposition', `attachment; filename="${backup.fileName}"`)
    if (request.raw.method === 'HEAD' || reply.raw.destroyed) {
      backup.close()
      reply.send()
    } else reply.send(Readable.from(backup, { objectMode: false }))
  })
}

export function backupRoutes(context: RouteContext): readonly Route[] {
  return [
    {
      method: 'GET',
      url: '/admin/backup',
      scope: 'admin',
      operation: 'backup',
      summary:
        'A consistent copy of the state of the cluster, with all that was acknowledged when it was asked for. With ?local=true of this node alone, where there is no leader.',
      query: { local: Type.Boolean({ description: 'Of what this node has, without asking the cluster.' }) },
      answers: { 200: { description: 'The backup.', schema: Type.String(), contentType: 'application/octet-stream' } },
      errors: quorumErrors('NOT_IMPLEMENTED', 'DISK_FULL'),
      handle: (request, reply) => handleBackup(context, request, reply),
    },
  ]
}
