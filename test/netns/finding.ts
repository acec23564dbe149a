/** Hosts of a network find each other by multicast DNS alone, whatever becomes of it. Run by finding.slow.test.ts, in a network namespace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { eventually, isConnectedFrom, lanOf } from './lan.ts'
import type { Host, HostNode, Lan } from './lan.ts'
import { endpointOf, form, has, leadOf, linkedWith, meshed, peersOf, write, writes } from './lan-cluster.ts'

/** Nobody is told of anybody, and nobody passes anything on. */
const ALONE = ['--cookie', 'of-the-lan', '--no-enable-gossip', '--log-level', 'warn']

interface Three {
  readonly lan: Lan
  readonly hosts: readonly [Host, Host, Host]
  readonly nodes: readonly [HostNode, HostNode, HostNode]
}

/** A cluster on three hosts of one bridge, found by multicast alone. */
async function three(t: TestContext): Promise<Three> {
  const lan = lanOf(t)
  const bridge = lan.bridge('br0')
  const plug = (n: number): Parameters<Lan['host']>[1] => ({ bridge, address: `10.1.0.${n}/24` })
  const hosts = [await lan.host('a', plug(1)), await lan.host('b', plug(2)), await lan.host('c', plug(3))] as const
  const nodes = [hosts[0].startNode(1, ALONE), hosts[1].startNode(2, ALONE), hosts[2].startNode(3, ALONE)] as const
  await form(nodes)
  return { lan, hosts, nodes }
}

test('three hosts of one network become a cluster; a cut-off one is found when its cable is in again', async (t) => {
  const { hosts, nodes } = await three(t)
  const [one, two, last] = nodes
  assert.ok(await write(two, 'first'))
  const { leader } = await leadOf(one)
  // One that does not lead: those who do not miss it have nothing to decide.
  const cut = leader === 3 ? 2 : 3
  const [cutHost, cutNode] = [hosts[cut - 1] as Host, nodes[cut - 1] as HostNode]
  const others = nodes.filter((node) => node !== cutNode) as [HostNode, HostNode]
  const { term } = await leadOf(others[0])
  cutHost.cable('eth0', 'down')
  await eventually('it is missed', async () => !(await linkedWith(others[0])).includes(cut))
  assert.ok(await write(others[1], 'meanwhile'))
  assert.deepEqual(await leadOf(others[0]), { term, leader })
  cutHost.cable('eth0', 'up')
  await eventually('it is found again', () => meshed(nodes))
  await has(cutNode, 'meanwhile')
  assert.ok(await write(last, 'after'))
})

test('a host on two networks says on each where it is there, and a host that knows neither is told nothing of the other', async (t) => {
  const lan = lanOf(t)
  const [left, right] = [lan.bridge('br0'), lan.bridge('br1')]
  const a = await lan.host('a', { bridge: left, address: '10.1.0.1/24' })
  const both = await lan.host('b', { bridge: left, address: '10.1.0.2/24' }, { bridge: right, address: '10.2.0.2/24' })
  const c = await lan.host('c', { bridge: right, address: '10.2.0.3/24' })
  const nodes = [a.startNode(1, ALONE), both.startNode(2, ALONE), c.startNode(3, ALONE)] as const
  await Promise.all(nodes.map((node) => node.ready()))
  await eventually('it is linked with both sides', async () => (await linkedWith(nodes[1])).join() === '1,3')
  const said = async (node: HostNode): Promise<readonly string[]> => {
    const rows = await peersOf(node)
    return rows.flatMap(({ sources }) => sources.flatMap(({ source, addresses }) => (source === 'mdns' ? addresses : [])))
  }
  // It may have been dialled before it had heard whoever dialled it.
  for (const node of [nodes[0], nodes[2]]) await eventually('it has heard', async () => (await said(node)).length > 0)
  assert.deepEqual(await said(nodes[0]), ['10.1.0.2:26000'])
  assert.deepEqual(await said(nodes[2]), ['10.2.0.2:26000'])
})

test('a host that gets another address is found there; the leader stays', async (t) => {
  const { hosts, nodes } = await three(t)
  const { term, leader } = await leadOf(nodes[0])
  const moved = leader === 3 ? 2 : 3
  const host = hosts[moved - 1] as Host
  host.ip('addr', 'del', `10.1.0.${moved}/24`, 'dev', 'eth0')
  host.ip('addr', 'add', '10.1.0.77/24', 'dev', 'eth0')
  const others = [1, 2, 3].filter((n) => n !== moved).map((n) => `10.1.0.${n}`)
  // What was connected to the old address seems to be for a while.
  await eventually(
    'it is linked with both from there',
    async () => isConnectedFrom(host, '10.1.0.77', others) && (await meshed(nodes)),
  )
  assert.ok(await write(nodes[moved - 1] as HostNode, 'from there'))
  assert.deepEqual(await leadOf(nodes[0]), { term, leader })
})

test('three hosts that all have other addresses after a restart are the same cluster', async (t) => {
  const { hosts, nodes } = await three(t)
  assert.ok(await write(nodes[0], 'before'))
  await Promise.all(nodes.map((node) => node.stop()))
  for (const [i, host] of hosts.entries()) {
    host.ip('addr', 'flush', 'dev', 'eth0')
    host.ip('addr', 'add', `10.9.9.${i + 11}/24`, 'dev', 'eth0')
  }
  for (const node of nodes) node.start()
  for (const node of nodes) {
    await node.ready()
    await has(node, 'before')
  }
  await writes(nodes[2], 'after')
})

test('an interface that went and came back, faster than anybody looks, hears newcomers', async (t) => {
  const lan = lanOf(t)
  const bridge = lan.bridge('br0')
  const plug = (n: number): Parameters<Lan['host']>[1] => ({ bridge, address: `10.1.0.${n}/24` })
  const host = await lan.host('a', plug(1))
  const one = host.startNode(1, ALONE)
  await one.ready()
  const beside = await lan.host('b', plug(2))
  const two = beside.startNode(2, ALONE)
  await two.ready()
  await eventually('they are linked', () => meshed([one, two]))
  host.unplug('eth0')
  host.plug('eth0', { bridge, address: '10.1.0.1/24' })
  const late = await lan.host('c', plug(3))
  const newcomer = late.startNode(3, ALONE)
  await newcomer.ready()
  const key = await endpointOf(newcomer)
  await eventually('it has heard the newcomer', async () => {
    const rows = await peersOf(one)
    return rows.some(({ endpoint_id: id, sources }) => id === key && sources.some(({ source }) => source === 'mdns'))
  })
  await eventually('all are linked', () => meshed([one, two, newcomer]))
})
