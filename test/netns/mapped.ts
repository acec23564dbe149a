/**
 * A member on a network of its own, which no packet leaves: a host between has a port on either side for what may pass. Run by
 * mapped.slow.test.ts, in a network namespace.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { stopChildren } from '../../tools/cluster/child.ts'
import type { Child } from '../../tools/cluster/child.ts'
import { eventually, lanOf } from './lan.ts'
import type { Host } from './lan.ts'
import { endpointOf, form, has, leadOf, linkedWith, meshed, peersOf, write, writes } from './lan-cluster.ts'

const MAPPER = join(import.meta.dirname, 'port-mapper.ts')
const STOP_DEADLINE_MS = 20_000
const FLAGS = ['--cookie', 'of-the-mapped', '--no-enable-mdns', '--log-level', 'warn']
/** Where those outside find the member within, and where it finds one of them. */
const OUTSIDE = '10.1.0.9:27003'
const INSIDE = '10.2.0.9:27001'

async function startMapper(host: Host): Promise<Child> {
  const mapper = host.run([MAPPER, `${OUTSIDE}=10.2.0.3:26000`, `${INSIDE}=10.1.0.1:26000`])
  await eventually('the mapper listens', async () => mapper.output().includes('mapping'))
  return mapper
}

test('a member behind a port mapper: it is found where it says, by those who were never told, and again when the mapper was away', async (t) => {
  const lan = lanOf(t)
  const [outer, inner] = [lan.bridge('br0'), lan.bridge('br1')]
  const a = await lan.host('a', { bridge: outer, address: '10.1.0.1/24' })
  const b = await lan.host('b', { bridge: outer, address: '10.1.0.2/24' })
  const between = await lan.host('m', { bridge: outer, address: '10.1.0.9/24' }, { bridge: inner, address: '10.2.0.9/24' })
  const within = await lan.host('c', { bridge: inner, address: '10.2.0.3/24' })
  const mapper = await startMapper(between)

  const one = a.startNode(1, FLAGS)
  await one.ready()
  const known = await endpointOf(one)
  const two = b.startNode(2, [...FLAGS, '--peers', `1@${known}:10.1.0.1:26000`])
  const three = within.startNode(3, [...FLAGS, '--peers', `1@${known}:${INSIDE}`, '--advertise-addr', OUTSIDE])
  const nodes = [one, two, three] as const
  await form(nodes)

  // Nobody told node 2 of node 3, and there is no way for node 3 to dial node 2.
  await eventually('all are linked', () => meshed(nodes))
  assert.ok(await write(three, 'from within'))
  await has(two, 'from within')
  const key = await endpointOf(three)
  const row = (await peersOf(two)).find(({ endpoint_id: id }) => id === key)
  assert.ok(row?.addresses.includes(OUTSIDE), JSON.stringify(row))
  assert.ok(!JSON.stringify(row).includes('10.2.0.3'), JSON.stringify(row))
  const ends = b.connections()
  assert.ok(ends.some(({ remote }) => remote === '10.1.0.9'))
  assert.ok(!ends.some(({ remote }) => remote.startsWith('10.2.')))

  await stopChildren([mapper], STOP_DEADLINE_MS)
  await eventually('it is missed', async () => (await linkedWith(two)).join() === '1')
  await writes(two, 'meanwhile')
  await startMapper(between)
  await eventually('all are linked again', () => meshed(nodes))
  await has(three, 'meanwhile')

  await three.stop()
  three.start()
  await three.ready()
  await eventually('all are linked after a restart', () => meshed(nodes))
  await writes(three, 'from within again')
  await has(two, 'from within again')
  assert.equal(new Set(await Promise.all(nodes.map(async (node) => (await leadOf(node)).leader))).size, 1)
})
