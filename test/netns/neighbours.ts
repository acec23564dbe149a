/** Who shares a network without belonging together: clusters side by side, and liars. Run by neighbours.slow.test.ts, in a network namespace. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, lanOf } from './lan.ts'
import type { HostNode, Plug } from './lan.ts'
import { endpointOf, form, has, linkedWith, peersOf, write } from './lan-cluster.ts'

const ANNOUNCER = join(import.meta.dirname, 'announcer.ts')
const QUIET = ['--log-level', 'warn']
const DEFAULT_COOKIE = 'aspen-cookie'

function plug(bridge: string, n: number): Plug {
  return { bridge, address: `10.1.0.${n}/24` }
}

/** Keys of those that it is linked with. */
async function linksOf(node: HostNode): Promise<readonly string[]> {
  const rows = await peersOf(node)
  return rows.flatMap(({ state, endpoint_id: id }) => (state === 'connected' ? [id] : []))
}

test('clusters with other cookies, and with the same cookie, live side by side on two hosts', async (t) => {
  const lan = lanOf(t)
  const bridge = lan.bridge('br0')
  const [a, b] = [await lan.host('a', plug(bridge, 1)), await lan.host('b', plug(bridge, 2))]
  const pair = (cookie: string): readonly [HostNode, HostNode] => {
    const flags = ['--cookie', cookie, ...QUIET]
    return [a.startNode(1, flags), b.startNode(2, flags)]
  }
  // The last two have a cookie in common. Ids, hosts and ports are as alike as they can be.
  const clusters: (readonly [HostNode, HostNode])[] = []
  for (const cookie of ['green', 'red', 'red']) {
    const cluster = pair(cookie)
    await form(cluster)
    clusters.push(cluster)
  }
  for (const [i, [one, two]] of clusters.entries()) {
    assert.ok(await write(one, `of-${i}`))
    await has(two, `of-${i}`)
  }
  for (const [one, two] of clusters) {
    const keys = [await endpointOf(one), await endpointOf(two)] as const
    await eventually('each is linked with its own, and with nobody else', async () => {
      const links = [await linksOf(one), await linksOf(two)]
      return links.join() === [keys[1], keys[0]].join()
    })
  }
  const [, red, other] = clusters as [unknown, readonly [HostNode, HostNode], readonly [HostNode, HostNode]]
  const foreign = await endpointOf(other[1])
  const refused = await red[0].post('/add-learner', { node_id: 3, endpoint_id: foreign, timeout_ms: 3_000 })
  assert.ok(refused.status === 404 || refused.status === 409, JSON.stringify(refused.body))
})

test('a node that listens on loopback hears nothing of the network beside it, where another node listens', async (t) => {
  const lan = lanOf(t)
  const bridge = lan.bridge('br0')
  const [a, b] = [await lan.host('a', plug(bridge, 1)), await lan.host('b', plug(bridge, 2))]
  const inside = a.startNode(1, ['--ractor-host', '127.0.0.1', ...QUIET])
  const outside = a.startNode(2, ['--cookie', 'of-the-lan', ...QUIET])
  await Promise.all([inside.ready(), outside.ready()])
  for (const cookie of [DEFAULT_COOKIE, 'of-the-lan']) b.run([ANNOUNCER, '10.1.0.2', cookie, '20', '50'])
  // What the one hears, the other was handed too.
  await eventually('who listens there has heard of all', async () => (await peersOf(outside)).length === 20)
  assert.deepEqual(await peersOf(inside), [])
})

test('a neighbour that invents nodes by the thousand keeps nobody from being found, and costs little', async (t) => {
  const lan = lanOf(t)
  const bridge = lan.bridge('br0')
  const [a, b, c] = [
    await lan.host('a', plug(bridge, 1)),
    await lan.host('b', plug(bridge, 2)),
    await lan.host('c', plug(bridge, 3)),
  ]
  const flags = ['--cookie', 'of-the-lan', '--no-enable-gossip', '--log-level', 'error']
  const one = a.startNode(1, flags)
  await one.ready()
  const liar = b.run([ANNOUNCER, '10.1.0.2', 'of-the-lan', '5000', '1'])
  await eventually('it believes what it may', async () => (await peersOf(one)).length >= 128)
  const newcomer = c.startNode(2, flags)
  await newcomer.ready()
  await eventually('they have found each other', async () => (await linkedWith(one)).includes(2))
  const { body } = await one.post('/init', { members: [1] })
  assert.deepEqual((body as { readonly members: unknown }).members, [1])
  assert.equal((await one.post('/add-learner', { node_id: 2 })).status, 200)
  const strangers = (await peersOf(one)).filter(({ addresses }) => addresses.includes('10.1.0.2:9'))
  assert.ok(strangers.length <= 128, `${strangers.length} are known that do not exist`)
  assert.equal(liar.ended(), undefined, liar.output())
})
