import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Membership } from '../../src/raft/index.ts'
import { MembershipAdmin } from '../../src/replica/requests/membership-admin.ts'
import { handContext } from '../../src/replica/hand-context.test.ts'
import { grownNode, HandCluster, memberOf } from '../raft/hand-cluster.ts'
import { codeOf } from './world.ts'

function adminOf(cluster: HandCluster, id: number): MembershipAdmin {
  const node = cluster.node(id)
  const links = [4, 5].map((peer) => ({
    endpointId: memberOf(peer).endpointId,
    claims: { nodeId: peer, clusterId: null, addresses: [], languageVersion: 1 },
  }))
  const engine = {
    get appliedIndex() {
      return node.applied
    },
  }
  return new MembershipAdmin(
    handContext({ loop: { schedule: () => undefined }, raft: node.raft }),
    engine,
    {
      knowledge: () => ({ links, reports: [], nodeIdHint: () => null, clusterId: null }),
      isLinked: () => true,
    },
    { floor: 1, raise: () => null },
    { timings: { heartbeatIntervalMs: 500, electionTimeoutMinMs: 1_500, electionTimeoutMaxMs: 3_000 }, autoPromote: false },
  )
}

function lead(cluster: HandCluster, id: number): void {
  cluster.advance(3001, [id])
  cluster.settle()
  if (cluster.node(id).raft.role !== 'leader') lead(cluster, id)
}

const learners = ({ learners: ids }: Membership): string => `learners ${ids.join(' ')}`

test('MembershipAdmin: a change that another leader overwrote is not reported as done when a later change is', () => {
  const cluster = new HandCluster()
  for (const id of [1, 2, 3]) cluster.nodes.set(id, grownNode(id, [1, 2, 3], [], 0))
  lead(cluster, 1)
  const outcomes: string[] = []
  const admin = adminOf(cluster, 1)
  admin.submit({ op: 'add-learner', nodeId: 4, endpointId: null }, 5000, (error, answer) =>
    outcomes.push(answer === undefined ? codeOf(error as Error) : learners(answer.membership)),
  )
  admin.progress()
  const cut = (message: { from: number; to: number }): boolean => message.from === 1 || message.to === 1 || message.to > 3
  cluster.settle(undefined, cut)
  // Node 2 leads without having seen it, and adds another learner.
  cluster.advance(1499, [3])
  for (let i = 0; i < 6 && cluster.node(2).raft.role !== 'leader'; i++) {
    cluster.advance(3001, [2])
    if (i === 0) cluster.advance(1, [3])
    cluster.settle(undefined, cut)
  }
  const { raft } = cluster.node(2)
  assert.equal(raft.role, 'leader')
  assert.notEqual(typeof raft.changeMembership({ voters: [1, 2, 3], learners: [5], newMembers: [memberOf(5)] }), 'string')
  cluster.settle(undefined, cut)
  // Node 1 hears of all that.
  for (let i = 0; i < 4; i++) {
    cluster.advance(501, [2])
    cluster.settle(undefined, (message) => message.to > 3)
  }
  assert.deepEqual(cluster.node(1).raft.membership.learners, [5])
  admin.progress()
  assert.notDeepEqual(outcomes, ['learners 5'], 'learner 4 was never added')
})

test('MembershipAdmin: a request made from within an answer is answered too', () => {
  const cluster = new HandCluster()
  cluster.nodes.set(1, grownNode(1, [1], [], 0))
  lead(cluster, 1)
  const admin = adminOf(cluster, 1)
  const outcomes: string[] = []
  const request = { op: 'change-membership', members: [1], learners: null } as const
  admin.submit(request, 5000, () => {
    outcomes.push('first')
    admin.submit(request, 5000, () => outcomes.push('second'))
  })
  for (let i = 0; i < 3; i++) admin.progress()
  assert.deepEqual(outcomes, ['first', 'second'])
})
