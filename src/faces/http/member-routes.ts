/** Who votes and who leads, by rules that keep a cluster from harm. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AspenError } from '../../api/index.ts'
import type { MemberAdmin, NodeRecord, WhyReport } from '../../api/index.ts'
import { MAX_SMALL_HTTP_BODY_SIZE } from '../../limits.ts'
import { clusterState, condition, memberHealth } from './cluster-schemas.ts'
import { conditionOf, options } from './membership-body.ts'
import type { ConditionBody, TimeoutBody } from './membership-body.ts'
import { quorumErrors, settle, statusErrors } from './route.ts'
import type { Route, RouteContext } from './route.ts'
import { Count, NodeId, OptionalText, strictObject, TimeoutMs } from './schema-parts.ts'
import { Type } from './schema.ts'
import { clusterJson, memberHealthJson } from './status-json.ts'

const closed = { additionalProperties: false }

const PromoteBody = strictObject(
  {
    node_id: NodeId,
    replace: Type.Optional({ ...NodeId, description: 'A voter that is gone, whose place the learner takes in the same change.' }),
    force: Type.Optional(Type.Boolean({ description: 'Also less than 300 s after the voters were changed.' })),
    dry_run: Type.Optional(Type.Boolean({ description: 'Says what would become of it, and changes nothing.' })),
    ...condition,
    timeout_ms: TimeoutMs,
  },
  { examples: [{ node_id: 4 }, { node_id: 4, replace: 2, dry_run: true }] },
)

const PromoteAnswer = Type.Object(
  { ...clusterState, dry_run: Type.Boolean({ description: 'Whether these are the members that there would be.' }) },
  { ...closed, examples: [{ members: [1, 2], learners: [], index: 9, nodes: [], dry_run: false }] },
)

const TransferBody = strictObject({ node_id: NodeId, timeout_ms: TimeoutMs }, { examples: [{ node_id: 2 }] })

const TransferAnswer = Type.Object(
  { success: Type.True(), leader: NodeId },
  { ...closed, examples: [{ success: true, leader: 2 }] },
)

const Answer = {
  ...memberHealth,
  is_voter: Type.Boolean(),
  last_contact_ms: { type: ['number', 'null'], description: 'Known to leaders only.' },
  lag: { type: ['integer', 'null'], description: 'Entries that it is not known to have; known to leaders only.' },
  vote: {
    anyOf: [
      Type.Object({ granted: Type.Boolean(), pre_vote: Type.Boolean(), term: Count, ago_ms: Type.Number() }, closed),
      { type: 'null' },
    ],
    description: 'What it said last when this node asked for its vote; null once somebody leads.',
  },
}

const WhyAnswerSchema = Type.Object(
  {
    node_id: NodeId,
    is_well: Type.Boolean({ description: 'Nothing was found in the way.' }),
    sentences: Type.Array(Type.String(), { description: 'What matters most first.' }),
    answers: Type.Array(Type.Object(Answer, closed), { description: 'Who answered what, and when.' }),
  },
  {
    ...closed,
    examples: [
      {
        node_id: 1,
        is_well: true,
        sentences: ['Nothing is in the way: node 2 leads term 5, and this node hears it.'],
        answers: [],
      },
    ],
  },
)

const NodeSchema = Type.Object(
  {
    node_id: NodeId,
    endpoint_id: Type.String(),
    addresses: Type.Array(Type.String(), { description: 'Where it said last that it is.' }),
    version: { ...OptionalText, description: 'Of its program; null while that is not known.' },
    language_version: { type: ['integer', 'null'], description: 'The highest version of the cluster that it can apply.' },
    state: {
      type: 'string',
      enum: ['voter', 'learner', 'left', 'known'],
      description: 'left: a member once; known: linked, and never a member.',
    },
    is_linked: Type.Boolean(),
    known_for_ms: Type.Number(),
    last_seen_ms: { type: ['number', 'null'], description: 'Since it was linked last; null when it never was.' },
  },
  closed,
)

const NodesAnswer = Type.Object(
  { nodes: Type.Array(NodeSchema, { description: 'The node that answers first.' }) },
  {
    ...closed,
    examples: [
      {
        nodes: [
          {
            node_id: 1,
            endpoint_id: '5f0c6a2e',
            addresses: ['127.0.0.1:26001'],
            version: '0.1.0',
            language_version: 1,
            state: 'voter',
            is_linked: true,
            known_for_ms: 60000,
            last_seen_ms: 0,
          },
        ],
      },
    ],
  },
)

interface PromoteBody extends TimeoutBody, ConditionBody {
  readonly node_id: number
  readonly replace?: number
  readonly force?: boolean
  readonly dry_run?: boolean
}

function membersOf({ members }: RouteContext): MemberAdmin {
  if (members === null) throw new AspenError('NOT_IMPLEMENTED', 'what serves here has no members')
  return members
}

function handlePromote(context: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as PromoteBody
  const { node_id: nodeId, replace, force, dry_run: dryRun = false } = body
  const promotion = {
    nodeId,
    dryRun,
    ...(replace === undefined ? {} : { replace }),
    ...(force === undefined ? {} : { force }),
    ...conditionOf(body),
  }
  settle(membersOf(context).promoteLearner(promotion, options(body)), reply, (state) => {
    reply.send({ ...clusterJson(state), dry_run: dryRun })
  })
}

function handleTransfer(context: RouteContext, request: FastifyRequest, reply: FastifyReply): void {
  const body = request.body as TimeoutBody & { readonly node_id: number }
  const { node_id: leader } = body
  settle(membersOf(context).transferLeadership(leader, options(body)), reply, () => {
    reply.send({ success: true, leader })
  })
}

function whyJson({ nodeId, isWell, sentences, answers }: WhyReport): object {
  return {
    node_id: nodeId,
    is_well: isWell,
    sentences,
    answers: answers.map((answer) => ({
      ...memberHealthJson(answer),
      is_voter: answer.isVoter,
      last_contact_ms: answer.lastContactMs,
      lag: answer.lag,
      vote:
        answer.vote === null
          ? null
          : { granted: answer.vote.granted, pre_vote: answer.vote.preVote, term: answer.vote.term, ago_ms: answer.vote.agoMs },
    })),
  }
}

function nodeJson(node: NodeRecord): object {
  return {
    node_id: node.nodeId,
    endpoint_id: node.endpointId,
    addresses: node.addresses,
    version: node.version,
    language_version: node.languageVersion,
    state: node.state,
    is_linked: node.isLinked,
    known_for_ms: node.knownForMs,
    last_seen_ms: node.lastSeenMs,
  }
}

function handleNodes(context: RouteContext, reply: FastifyReply): void {
  settle(membersOf(context).nodes(), reply, (nodes) => {
    const text = JSON.stringify({ nodes: nodes.map(nodeJson) })
    const refusal = context.answers.take(reply.raw, Buffer.byteLength(text))
    if (refusal !== undefined) throw refusal
    reply.header('content-type', 'application/json; charset=utf-8').send(text)
  })
}

export function memberRoutes(context: RouteContext): readonly Route[] {
  return [
    {
      method: 'GET',
      url: '/nodes',
      scope: 'read',
      operation: 'nodes',
      summary: 'What this node knows of every node, across restarts; those that left for a week.',
      answers: { 200: { description: 'The nodes.', schema: NodesAnswer } },
      errors: [...statusErrors(), 'NOT_IMPLEMENTED'],
      handle: (_request, reply) => handleNodes(context, reply),
    },
    {
      method: 'GET',
      url: '/why',
      scope: 'read',
      operation: 'why',
      summary: 'Why there is no leader, why a write waits, or why this node is alone, in sentences. It asks nobody.',
      answers: { 200: { description: 'What this node knows.', schema: WhyAnswerSchema } },
      errors: [...statusErrors(), 'NOT_IMPLEMENTED'],
      handle: (_request, reply) => {
        settle(membersOf(context).why(), reply, (report) => {
          reply.send(whyJson(report))
        })
      },
    },
    {
      method: 'POST',
      url: '/admin/promote-learner',
      scope: 'admin',
      operation: 'promoteLearner',
      summary: 'Makes a learner a voter that is linked, answers, and has caught up; beside the others, or for one that is gone.',
      body: PromoteBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'The members afterwards, or those that there would be.', schema: PromoteAnswer } },
      errors: quorumErrors(
        'NODE_UNKNOWN',
        'MEMBERSHIP_IN_PROGRESS',
        'MEMBERSHIP_CHANGED',
        'LEARNER_NOT_READY',
        'PROMOTION_REFUSED',
        'NOT_IMPLEMENTED',
      ),
      handle: (request, reply) => handlePromote(context, request, reply),
    },
    {
      method: 'POST',
      url: '/admin/transfer-leadership',
      scope: 'admin',
      operation: 'transferLeadership',
      summary: 'Hands leadership to this voter; answered when it leads.',
      body: TransferBody,
      maxBodyBytes: MAX_SMALL_HTTP_BODY_SIZE,
      answers: { 200: { description: 'It leads.', schema: TransferAnswer } },
      errors: quorumErrors('NODE_UNKNOWN', 'MEMBERSHIP_IN_PROGRESS', 'TRANSFER_REFUSED', 'NOT_IMPLEMENTED'),
      handle: (request, reply) => handleTransfer(context, request, reply),
    },
  ]
}
