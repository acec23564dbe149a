/** The routes that found, grow and shrink a cluster. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AspenError } from '../../api/index.ts'
import type { AddPeerRequest, ChangeMembershipRequest, ClusterState } from '../../api/index.ts'
import { MAX_SMALL_HTTP_BODY_SIZE } from '../../limits.ts'
import {
  AddLearnerBody,
  AddPeerBody,
  ChangeMembershipBody,
  ClusterAnswer,
  ForgetPeerBody,
  InitBody,
  RaiseVersionBody,
  SnapshotAnswer,
  SuccessAnswer,
  TriggerSnapshotBody,
  VersionAnswer,
} from './cluster-schemas.ts'
import { localErrors, quorumErrors, settle } from './route.ts'
import type { Route, RouteContext } from './route.ts'
import { clusterJson } from './status-json.ts'
import { conditionOf, options } from './membership-body.ts'
import type { ConditionBody, TimeoutBody } from './membership-body.ts'

interface MembersBody extends TimeoutBody, ConditionBody {
  readonly members: readonly number[]
  readonly learners?: readonly number[]
}

interface LearnerBody extends TimeoutBody {
  readonly node_id: number
  readonly endpoint_id?: string
}

interface PeerBody {
  readonly node_id: number
  readonly endpoint_id: string
  readonly addresses: readonly string[]
  readonly relay?: string | null
}

function requireDistinct(ids: readonly number[], what: string): void {
  const seen = new Set<number>()
  for (const id of ids) {
    if (seen.has(id)) throw new AspenError('INVALID_REQUEST', `node ${id} occurs twice in ${what}`, { node_id: id })
    seen.add(id)
  }
}

function answerCluster(promise: Promise<ClusterState>, reply: FastifyReply): void {
  settle(promise, reply, (state) => {
    reply.send(clusterJson(state))
  })
}

function handleInit({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as MembersBody
  requireDistinct(body.members, 'members')
  answerCluster(controller.init(body.members, options(body)), reply)
}

function handleAddLearner({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as LearnerBody
  answerCluster(controller.addLearner(body.node_id, body.endpoint_id, options(body)), reply)
}

function handleChangeMembership({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as MembersBody
  requireDistinct([...body.members, ...(body.learners ?? [])], 'members and learners')
  const change: ChangeMembershipRequest = {
    members: body.members,
    ...(body.learners === undefined ? {} : { learners: body.learners }),
    ...conditionOf(body),
  }
  answerCluster(controller.changeMembership(change, options(body)), reply)
}

function handleAddPeer({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as PeerBody
  const peer: AddPeerRequest = {
    nodeId: body.node_id,
    endpointId: body.endpoint_id,
    addresses: body.addresses,
    ...(body.relay === undefined ? {} : { relay: body.relay }),
  }
  settle(controller.addPeer(peer), reply, () => {
    reply.send({ success: true })
  })
}

function handleForgetPeer({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const { endpoint_id: endpointId } = request.body as { readonly endpoint_id: string }
  settle(controller.forgetPeer(endpointId), reply, () => {
    reply.send({ success: true })
  })
}

function handleTriggerSnapshot({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as TimeoutBody | null | undefined
  settle(controller.triggerSnapshot(options(body)), reply, ({ id, logId, sizeBytes }) => {
    reply.send({ success: true, snapshot: { id, log_id: logId, size_bytes: sizeBytes } })
  })
}

function handleRaiseVersion({ controller }: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as TimeoutBody & { readonly version: number }
  settle(controller.raiseVersion(body.version, options(body)), reply, () => {
    reply.send({ success: true, version: body.version })
  })
}

function clusterRoute(url: string, operation: string, summary: string, own: Pick<Route, 'body' | 'errors' | 'handle'>): Route {
  const answers = { 200: { description: 'The membership afterwards.', schema: ClusterAnswer } }
  return { method: 'POST', url, scope: 'admin', operation, summary, answers, maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE, ...own }
}

function raiseVersionRoute(context: RouteContext): Route {
  return {
    method: 'POST',
    url: '/raise-version',
    scope: 'admin',
    operation: 'raiseVersion',
    summary: 'Raises the version of the cluster at once; every member has to be linked, and able to apply it.',
    body: RaiseVersionBody,
    maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
    answers: { 200: { description: 'The cluster has it.', schema: VersionAnswer } },
    errors: quorumErrors('CLUSTER_VERSION', 'MEMBERSHIP_IN_PROGRESS'),
    handle: (request, reply) => handleRaiseVersion(context, request, reply),
  }
}

function triggerSnapshotRoute(context: RouteContext): Route {
  return {
    method: 'POST',
    url: '/trigger-snapshot',
    scope: 'admin',
    operation: 'triggerSnapshot',
    summary: "Takes a snapshot of this node's state; answered when it is durable.",
    body: TriggerSnapshotBody,
    maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
    answers: { 200: { description: 'Taken.', schema: SnapshotAnswer } },
    errors: localErrors('NOT_INITIALIZED', 'REMOVED', 'QUOTA_EXCEEDED', 'DISK_FULL'),
    handle: (request, reply) => handleTriggerSnapshot(context, request, reply),
  }
}

export function clusterRoutes(context: RouteContext): readonly Route[] {
  return [
    clusterRoute('/init', 'init', 'Founds a cluster of these voters, this node among them.', {
      body: InitBody,
      errors: quorumErrors('ALREADY_INITIALIZED', 'NODE_UNKNOWN', 'NODE_AMBIGUOUS', 'CLUSTER_MISMATCH'),
      handle: (request, reply) => handleInit(context, request, reply),
    }),
    clusterRoute('/add-learner', 'addLearner', 'Adds a non-voting member that is linked to the leader.', {
      body: AddLearnerBody,
      errors: quorumErrors(
        'NODE_UNKNOWN',
        'NODE_AMBIGUOUS',
        'CLUSTER_MISMATCH',
        'ALREADY_INITIALIZED',
        'MEMBERSHIP_IN_PROGRESS',
        'LEARNER_NOT_READY',
        'CLUSTER_VERSION',
      ),
      handle: (request, reply) => handleAddLearner(context, request, reply),
    }),
    clusterRoute('/change-membership', 'changeMembership', 'Changes the voters, and the learners where given.', {
      body: ChangeMembershipBody,
      errors: quorumErrors(
        'NODE_UNKNOWN',
        'NODE_AMBIGUOUS',
        'CLUSTER_MISMATCH',
        'MEMBERSHIP_IN_PROGRESS',
        'MEMBERSHIP_CHANGED',
        'LEARNER_NOT_READY',
      ),
      handle: (request, reply) => handleChangeMembership(context, request, reply),
    }),
    {
      method: 'POST',
      url: '/add-peer',
      scope: 'admin',
      operation: 'addPeer',
      summary: 'Enters a peer into the peer book; the node keeps a link to it from now on.',
      body: AddPeerBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'Entered.', schema: SuccessAnswer } },
      errors: localErrors('NODE_AMBIGUOUS', 'CLUSTER_MISMATCH', 'QUOTA_EXCEEDED'),
      handle: (request, reply) => handleAddPeer(context, request, reply),
    },
    {
      method: 'POST',
      url: '/forget-peer',
      scope: 'admin',
      operation: 'forgetPeer',
      summary: 'Takes a peer that is no member out of the peer book; the node dials it no more.',
      body: ForgetPeerBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'Forgotten.', schema: SuccessAnswer } },
      errors: localErrors('NODE_UNKNOWN'),
      handle: (request, reply) => handleForgetPeer(context, request, reply),
    },
    raiseVersionRoute(context),
    triggerSnapshotRoute(context),
  ]
}
