/** The routes about the peer book of one node. */
import type { FastifyRequest, FastifyReply } from 'fastify'
import { AspenError } from '../../api/index.ts'
import type { PeerAdmin, PeerChoice, PeersReport, PeerView } from '../../api/index.ts'
import { MAX_SMALL_HTTP_BODY_SIZE } from '../../limits.ts'
import { SuccessAnswer } from './cluster-schemas.ts'
import { localErrors, settle, statusErrors } from './route.ts'
import type { Route, RouteContext } from './route.ts'
import { Count, EndpointId, NodeId, oneOf, OptionalNodeId, OptionalText } from './schema-parts.ts'
import { Type } from './schema.ts'

const closed = { additionalProperties: false }

const Hearing = Type.Object(
  { source: Type.String(), addresses: Type.Array(Type.String()), age_ms: Type.Number() },
  { ...closed, description: 'What one source said last.' },
)

const Peer = Type.Object(
  {
    endpoint_id: Type.String(),
    node_id: OptionalNodeId,
    standing: {
      type: 'string',
      enum: ['member', 'named', 'stranger'],
      description: 'Members, and those whom somebody has named, are dialled for ever; of strangers, a few at a time.',
    },
    state: {
      type: 'string',
      enum: ['connected', 'dialing', 'waiting', 'known'],
      description: 'waiting: for the next dial; known: not dialled now.',
    },
    path: { ...OptionalText, description: 'direct, iroh-direct or iroh-relay: what carries the link; null without one.' },
    last_error: { ...OptionalText, description: 'Why the last attempt failed.' },
    addresses: Type.Array(Type.String(), { description: 'In the order in which they are dialled.' }),
    relay: OptionalText,
    sources: Type.Array(Hearing, { description: 'Whoever counts most first.' }),
  },
  closed,
)

const Source = Type.Object(
  {
    source: Type.String(),
    detail: Type.String({ description: 'What it does, in words.' }),
    peers: { ...Count, description: 'Peers that it spoke of.' },
    last_error: OptionalText,
  },
  closed,
)

const PeersAnswer = Type.Object(
  { peers: Type.Array(Peer), sources: Type.Array(Source) },
  {
    ...closed,
    examples: [
      {
        peers: [
          {
            endpoint_id: '5f0c6a2e',
            node_id: 2,
            standing: 'member',
            state: 'connected',
            path: 'direct',
            last_error: null,
            addresses: ['127.0.0.1:26002'],
            relay: null,
            sources: [{ source: 'membership', addresses: ['127.0.0.1:26002'], age_ms: 60000 }],
          },
        ],
        sources: [{ source: 'membership', detail: 'the configuration of the cluster', peers: 1, last_error: null }],
      },
    ],
  },
)

const TicketAnswer = Type.Object(
  {
    ticket: Type.String({ description: 'Text for the setting ticket of another node: aspen, then base32.' }),
    topic_id: Type.String({ description: 'What nodes with this cookie have in common.' }),
    cluster_id: { ...OptionalText, description: 'Null while the node belongs to none.' },
    endpoint_id: Type.String({ description: 'Of the node that signed it.' }),
  },
  { ...closed, examples: [{ ticket: 'aspenaebc', topic_id: '5f0c6a2e', cluster_id: '9a1b2c3d', endpoint_id: '5f0c6a2e' }] },
)

const RemovePeerBody = oneOf({ endpoint_id: EndpointId, node_id: NodeId }, { examples: [{ node_id: 2 }] })

function peerJson(peer: PeerView): object {
  return {
    endpoint_id: peer.endpointId,
    node_id: peer.nodeId,
    standing: peer.standing,
    state: peer.state,
    path: peer.path,
    last_error: peer.lastError,
    addresses: peer.addresses,
    relay: peer.relay,
    sources: peer.sources.map(({ source, addresses, ageMs }) => ({ source, addresses, age_ms: ageMs })),
  }
}

function peersJson({ peers, sources }: PeersReport): object {
  return {
    peers: peers.map(peerJson),
    sources: sources.map(({ source, detail, peers: count, lastError }) => ({
      source,
      detail,
      peers: count,
      last_error: lastError,
    })),
  }
}

function bookOf({ peers }: RouteContext): PeerAdmin {
  if (peers === null) throw new AspenError('NOT_IMPLEMENTED', 'what serves here has no peer book')
  return peers
}

function handlePeers(context: RouteContext, reply: FastifyReply): void {
  settle(bookOf(context).peers(), reply, (report) => {
    const text = JSON.stringify(peersJson(report))
    const refusal = context.answers.take(reply.raw, Buffer.byteLength(text))
    if (refusal !== undefined) throw refusal
    reply.header('content-type', 'application/json; charset=utf-8').send(text)
  })
}

function handleRemovePeer(context: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const { endpoint_id: endpointId, node_id: nodeId } = request.body as {
    readonly endpoint_id?: string
    readonly node_id?: number
  }
  const choice: PeerChoice = endpointId === undefined ? { nodeId: nodeId as number } : { endpointId }
  settle(bookOf(context).removePeer(choice), reply, () => {
    reply.send({ success: true })
  })
}

function handleTicket(context: RouteContext, reply: FastifyReply): void {
  settle(bookOf(context).clusterTicket(), reply, ({ ticket, topicId, clusterId, endpointId }) => {
    reply.send({ ticket, topic_id: topicId, cluster_id: clusterId, endpoint_id: endpointId })
  })
}

function ticketRoute(context: RouteContext): Route {
  return {
    method: 'GET',
    url: '/cluster-ticket',
    scope: 'read',
    operation: 'clusterTicket',
    summary: 'A ticket that other nodes find this cluster by, for 24 hours. It lets nobody in: that takes the cookie.',
    answers: { 200: { description: 'The ticket, and what it is for.', schema: TicketAnswer } },
    errors: [...statusErrors(), 'NOT_IMPLEMENTED'],
    handle: (_request, reply) => handleTicket(context, reply),
  }
}

export function peerRoutes(context: RouteContext): readonly Route[] {
  return [
    ticketRoute(context),
    {
      method: 'GET',
      url: '/peers',
      scope: 'read',
      operation: 'peers',
      summary: 'Whom this node knows, who told it and when, how it reaches them, and why it does not.',
      answers: { 200: { description: 'The peer book.', schema: PeersAnswer } },
      errors: [...statusErrors(), 'NOT_IMPLEMENTED'],
      handle: (_request, reply) => handlePeers(context, reply),
    },
    {
      method: 'POST',
      url: '/remove-peer',
      scope: 'admin',
      operation: 'removePeer',
      summary: 'Takes a peer that is no member out of the peer book, and for ten minutes does not hear of it from others.',
      body: RemovePeerBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'Removed.', schema: SuccessAnswer } },
      errors: localErrors('NODE_UNKNOWN', 'NOT_IMPLEMENTED'),
      handle: (request, reply) => handleRemovePeer(context, request, reply),
    },
  ]
}
