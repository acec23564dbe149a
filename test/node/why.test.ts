/** What whole nodes say of why they do not serve, each sentence in its state; over a simulated network. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WhyReport } from '../../src/api/index.ts'
import { AssertionError } from '../../src/lib/index.ts'
import type { Machine } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'

/** Answered at once, whatever else is the matter. */
async function whyOf(machine: Machine): Promise<WhyReport> {
  const report = await machine.server?.service.why()
  assert.ok(report !== undefined)
  for (const sentence of report.sentences) assert.match(sentence, /^[A-Z].*\.$/)
  return report
}

async function says(machine: Machine, ...patterns: readonly RegExp[]): Promise<WhyReport> {
  const report = await whyOf(machine)
  const text = report.sentences.join('\n')
  for (const pattern of patterns) assert.match(text, pattern)
  assert.equal(report.isWell, false)
  return report
}

function scene(nodes = 3): { readonly world: World; readonly leader: Machine; readonly others: readonly Machine[] } {
  const world = new World({ seed: 11, nodes })
  const leader = world.leaderAmong(world.machines)
  world.converge()
  world.run(500)
  return { world, leader, others: world.others(leader) }
}

test('why: nothing is in the way', async () => {
  const { leader, others } = scene()
  const own = await whyOf(leader)
  assert.deepEqual([own.isWell, own.sentences.length], [true, 1])
  assert.match(
    own.sentences[0] ?? '',
    /^Nothing is in the way: this node leads term \d+, and a majority of the voters answers it\.$/,
  )
  assert.deepEqual(
    own.answers.map(({ nodeId, condition, isVoter, lag, vote }) => [nodeId, condition, isVoter, lag, vote]),
    others.map(({ id }) => [id, 'well', true, 0, null]),
  )
  assert.ok(own.answers.every(({ lastContactMs }) => lastContactMs !== null && lastContactMs < 1_000))
  const follower = await whyOf(others[0] as Machine)
  assert.match(
    follower.sentences[0] ?? '',
    new RegExp(`^Nothing is in the way: node ${leader.id} leads term \\d+, and this node hears it\\.$`),
  )
})

test('why: no leader, because a majority is down; who would not give a vote is named, with when', async () => {
  const { world, leader, others } = scene(5)
  const [asked, voter, ...down] = others as [Machine, Machine, Machine, Machine]
  leader.crash('killed')
  for (const machine of down) machine.crash('power-cut')
  world.run(8_000)
  const candidate = [asked, voter].find((one) => one.process?.replica.view.heardVotes.size !== 0) as Machine
  const other = candidate === asked ? voter : asked
  const { answers } = await says(
    candidate,
    /No leader is known in term \d+\./,
    new RegExp(
      `An election takes 3 of the voters 1, 2, 3, 4, 5\\. Those that this node hears, itself included: ${Math.min(asked.id, voter.id)}, ${Math.max(asked.id, voter.id)}\\.`,
    ),
    new RegExp(`Node ${leader.id} is not running since \\d\\.\\d s: nothing listens where it was.*ECONNREFUSED`),
    new RegExp(`Node ${down[0].id} is out of reach since \\d\\.\\d s: no answer from its machine.*ETIMEDOUT`),
    new RegExp(`Node ${other.id} would (not )?give this node its vote for term \\d+, \\d\\.\\d s ago`),
  )
  const vote = answers.find(({ nodeId }) => nodeId === other.id)?.vote
  assert.ok(vote !== undefined && vote !== null && vote.preVote && vote.agoMs < 8_000)
})

test('why: a vote that is refused by one with more entries', async () => {
  const { world, leader, others } = scene()
  const [behind, ahead] = others as [Machine, Machine]
  world.partition([behind], [leader, ahead])
  for (let i = 0; i < 5; i++) world.clients.write(leader, `k${i}`)
  world.run(1_000)
  leader.crash('power-cut')
  world.network.healAll()
  // It never stands for election itself: what it says is that the other one may not have its vote.
  let refused = false
  world.until('it was refused', () => {
    refused ||= [...(behind.process?.replica.view.heardVotes ?? [])].some(([id, { granted }]) => id === ahead.id && !granted)
    if (refused) return true
    if (world.leader === ahead) assert.fail('the other one was elected first')
    return false
  })
  await says(
    behind,
    new RegExp(
      `Node ${ahead.id} would not give this node its vote for term \\d+, 0\\.\\d s ago: .*entries that this node lacks\\.`,
    ),
  )
})

test('why: this node is alone, and its requests wait', async () => {
  const { world, leader, others } = scene()
  const [alone, other] = others as [Machine, Machine]
  world.partition([alone], [leader, other])
  world.run(6_000)
  world.clients.write(alone, 'k')
  world.run(100)
  await says(
    alone,
    /^This node is alone: it hears no other member\.$/m,
    /No leader is known/,
    /An election takes 2 of the voters 1, 2, 3\. Those that this node hears, itself included: \d\./,
    /Node \d is out of reach since [56]\.\d s/,
    /Requests wait here for a leader: 1\./,
  )
})

test('why: a leader that lost its majority names what waits, and for whom', async () => {
  const { world, leader, others } = scene()
  for (const machine of others) machine.pause('stopped')
  world.clients.write(leader, 'k')
  const seen = (): boolean =>
    leader.server?.service.status().memberHealth.every(({ condition }) => condition === 'stalled') === true
  world.until('the others seem to stand still', seen)
  await says(
    leader,
    /This node leads, and no majority of the voters answers it: nothing can be written or read\./,
    /Node \d is standing still since \d\.\d s: linked, and silent for \d\.\d s/,
    /Entry \d+ waits for a majority: this node has up to \d+ on its disk, node \d has up to \d+, said \d\.\d s ago, node \d has up to/,
  )
})

test('why: a change of the members that is not finished', async () => {
  const world = new World({ seed: 3, nodes: 5, voters: 3 })
  for (const nodeId of [4, 5]) world.administer({ op: 'add-learner', nodeId, endpointId: null })
  world.converge()
  const leader = world.leaderAmong(world.machines)
  const gone = world.others(leader).slice(0, 2)
  world.submit(leader, { op: 'change-membership', members: [leader.id, 4, 5], learners: [] }, () => undefined)
  for (const machine of gone) machine.crash('power-cut')
  world.run(300)
  assert.ok((leader.process?.replica.view.membership.outgoing.length ?? 0) > 0)
  await says(leader, /A change of the members is not finished: it takes 2 of the voters 1, 4, 5 and 2 of the voters 1, 2, 3\./)
})

test('why: a member that was removed, and a newcomer', async () => {
  const { world, leader, others } = scene()
  const [removed, kept] = others as [Machine, Machine]
  world.changeVoters([leader.id, kept.id])
  world.run(5_000)
  await says(removed, /^This node was removed from the cluster/)
})

test('why: a node of no cluster names those that it is linked with, and whom it is not', async () => {
  const world = new World({ seed: 5, nodes: 3, voters: 1 })
  const [founder, newcomer, other] = world.machines as [Machine, Machine, Machine]
  world.run(1_000)
  other.crash('power-cut')
  world.run(1_000)
  await says(
    newcomer,
    /^This node belongs to no cluster yet\. /,
    new RegExp(`It is linked with node ${founder.id} \\(of cluster [0-9a-f]{16}\\)\\.`),
    /There is no link to key 0{16}\.\.\.: ETIMEDOUT/,
  )
})

test('why: a RaftActor that is started again, and a node that has failed for good', async () => {
  const { world, others } = scene()
  const [victim, other] = others as [Machine, Machine]
  victim.ask(({ replica }) => replica.fail(new TypeError('a fault')))
  world.until('it is down', () => victim.process === null)
  await says(victim, /^The RaftActor of this node does not serve: it is being started: it crashed: a fault\.$/)
  other.meantToFail = () => true
  other.ask(({ replica }) => replica.fail(new AssertionError('for good')))
  world.run(50)
  await says(other, /^This node takes no further part: for good\.$/)
})
