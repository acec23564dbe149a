/** Who votes and who leads, over HTTP and by the client. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type {
  ClusterState,
  MemberAdmin,
  NodeRecord,
  PromoteLearnerRequest,
  RequestOptions,
  WhyReport,
} from '../../src/api/index.ts'
import { connectHttp } from '../../src/client/index.ts'
import { createFixture } from './fixture.ts'
import type { Fixture } from './fixture.ts'

const STATE: ClusterState = { members: [1, 4], learners: [], index: 9, nodes: [] }

const WHY: WhyReport = {
  nodeId: 1,
  isWell: false,
  sentences: ['No leader is known in term 7.'],
  answers: [
    {
      nodeId: 2,
      endpointId: 'ab'.repeat(32),
      condition: 'cut-off',
      detail: 'it is alive',
      forMs: 61_000,
      needsAttention: true,
      isVoter: true,
      lastContactMs: null,
      lag: null,
      vote: { granted: false, preVote: true, term: 8, agoMs: 400 },
    },
  ],
}

const NODE: NodeRecord = {
  nodeId: 2,
  endpointId: 'ab'.repeat(32),
  addresses: ['h:1'],
  version: '0.1.0',
  languageVersion: 2,
  state: 'left',
  isLinked: false,
  knownForMs: 9_000,
  lastSeenMs: 400,
}

class Members implements MemberAdmin {
  readonly asked: unknown[] = []

  async promoteLearner(request: PromoteLearnerRequest, options?: RequestOptions): Promise<ClusterState> {
    this.asked.push([request, options])
    if (request.nodeId === 5) throw new AspenError('PROMOTION_REFUSED', 'too early', { reason: 'cooldown', wait_ms: 7 })
    return STATE
  }

  async nodes(): Promise<readonly NodeRecord[]> {
    return [NODE]
  }

  async why(): Promise<WhyReport> {
    return WHY
  }

  async transferLeadership(nodeId: number, options?: RequestOptions): Promise<void> {
    this.asked.push([nodeId, options])
    if (nodeId === 5) throw new AspenError('TRANSFER_REFUSED', 'it is behind', { reason: 'not_ready', lag: 500 })
  }
}

async function withMembers(): Promise<Fixture & { readonly members: Members }> {
  const members = new Members()
  return { ...(await createFixture({ initialized: true }, { members })), members }
}

test('POST /admin/promote-learner: hands all of it over, and answers with the members and whether it was dry', async () => {
  const { post, members } = await withMembers()
  const plain = await post('/admin/promote-learner', { node_id: 4 })
  assert.deepEqual([plain.status, plain.body], [200, { ...STATE, dry_run: false }])
  const full = { node_id: 4, replace: 2, force: true, dry_run: true, if_members: [1, 2], if_index: 8, timeout_ms: 700 }
  assert.deepEqual((await post('/admin/promote-learner', full)).body, { ...STATE, dry_run: true })
  const refused = await post('/admin/promote-learner', { node_id: 5 })
  assert.deepEqual([refused.status, refused.body.error.code, refused.body.error.details.wait_ms], [409, 'PROMOTION_REFUSED', 7])
  assert.deepEqual(members.asked, [
    [{ nodeId: 4, dryRun: false }, {}],
    [{ nodeId: 4, replace: 2, force: true, dryRun: true, ifMembers: [1, 2], ifIndex: 8 }, { timeoutMs: 700 }],
    [{ nodeId: 5, dryRun: false }, {}],
  ])
})

test('POST /admin/transfer-leadership: answers with who leads', async () => {
  const { post, members } = await withMembers()
  const done = await post('/admin/transfer-leadership', { node_id: 2, timeout_ms: 700 })
  assert.deepEqual([done.status, done.body], [200, { success: true, leader: 2 }])
  const refused = await post('/admin/transfer-leadership', { node_id: 5 })
  assert.deepEqual([refused.status, refused.body.error.code, refused.body.error.retryable], [409, 'TRANSFER_REFUSED', true])
  assert.deepEqual(members.asked, [
    [2, { timeoutMs: 700 }],
    [5, {}],
  ])
})

test('POST /admin/promote-learner, /admin/transfer-leadership: refuse what is no request, and answer 501 where there are no members', async () => {
  const { post, members } = await withMembers()
  for (const wrong of [
    {},
    { node_id: 0 },
    { node_id: '4' },
    { node_id: 4, more: 1 },
    { node_id: 4, force: 1 },
    { node_id: 4, if_members: [] },
  ])
    assert.equal((await post('/admin/promote-learner', wrong)).status, 400, JSON.stringify(wrong))
  for (const wrong of [{}, { node_id: 0 }, { node_id: 4, more: 1 }])
    assert.equal((await post('/admin/transfer-leadership', wrong)).status, 400, JSON.stringify(wrong))
  assert.deepEqual(members.asked, [])
  const none = await createFixture()
  assert.equal((await none.post('/admin/promote-learner', { node_id: 4 })).status, 501)
  assert.equal((await none.post('/admin/transfer-leadership', { node_id: 4 })).status, 501)
  for (const path of ['/why', '/nodes']) assert.equal((await none.get(path)).status, 501)
})

test('GET /nodes: says what is known of every node; the client reads it', async (t) => {
  const { get, server } = await withMembers()
  const { status, body } = await get('/nodes')
  const { nodeId, endpointId, languageVersion, isLinked, knownForMs, lastSeenMs, ...rest } = NODE
  const seen = { is_linked: isLinked, known_for_ms: knownForMs, last_seen_ms: lastSeenMs }
  const node = { ...rest, node_id: nodeId, endpoint_id: endpointId, language_version: languageVersion, ...seen }
  assert.deepEqual([status, body], [200, { nodes: [node] }])
  const client = connectHttp(await server.listen())
  t.after(async () => {
    client.close()
    await server.close(0)
  })
  assert.deepEqual(await client.nodes(), [NODE])
})

test('GET /why: says it in sentences, and who answered what; the client reads it', async (t) => {
  const { get, server } = await withMembers()
  const { status, body } = await get('/why')
  const { vote, nodeId, isVoter, forMs, lastContactMs, needsAttention, endpointId, ...rest } = WHY
    .answers[0] as WhyReport['answers'][0]
  assert.deepEqual([status, nodeId, isVoter, vote?.agoMs], [200, 2, true, 400])
  const answer = {
    ...rest,
    node_id: 2,
    endpoint_id: endpointId,
    is_voter: true,
    for_ms: forMs,
    last_contact_ms: lastContactMs,
    needs_attention: needsAttention,
    vote: { granted: false, pre_vote: true, term: 8, ago_ms: 400 },
  }
  assert.deepEqual(body, { node_id: 1, is_well: false, sentences: WHY.sentences, answers: [answer] })
  const client = connectHttp(await server.listen())
  t.after(async () => {
    client.close()
    await server.close(0)
  })
  assert.deepEqual(await client.why(), WHY)
})

test('AspenHttpClient: promoteLearner, transferLeadership', async (t) => {
  const { server, members } = await withMembers()
  const client = connectHttp(await server.listen())
  t.after(async () => {
    client.close()
    await server.close(0)
  })
  const { members: voters, index } = await client.promoteLearner({
    nodeId: 4,
    replace: 2,
    force: true,
    ifIndex: 8,
    ifMembers: [1, 2],
  })
  assert.deepEqual([voters, index], [[1, 4], 9])
  await client.transferLeadership(2, { timeoutMs: 700 })
  await assert.rejects(client.transferLeadership(5), { code: 'TRANSFER_REFUSED' })
  await assert.rejects(client.promoteLearner({ nodeId: 0 }), { code: 'INVALID_REQUEST' })
  await assert.rejects(client.transferLeadership(0), { code: 'INVALID_REQUEST' })
  const requests = members.asked.map((one) => (one as unknown[])[0])
  assert.deepEqual(requests, [{ nodeId: 4, replace: 2, force: true, dryRun: false, ifIndex: 8, ifMembers: [1, 2] }, 2, 5])
})
