/** Real nodes that know of nobody, or of keys alone, and find each other by what a name server on loopback says. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { AspenNode, NodeConfig } from '../../src/cluster/index.ts'
import { recordName } from '../../src/discovery/record/index.ts'
import { DnsServer } from '../discovery/dns-server.ts'
import { eventually, testNodes, text } from './nodes.ts'

const ALONE: Partial<NodeConfig> = { enableGossip: false, enableMdns: false, enableDnsDiscovery: true }

async function nameServer(t: TestContext): Promise<{ readonly dns: DnsServer; readonly server: string }> {
  const dns = new DnsServer()
  const server = await dns.listen()
  t.after(() => dns.close())
  return { dns, server }
}

const portOf = (node: AspenNode): number => Number(/\d+$/.exec(node.status().addresses[0] ?? '')?.[0])

test('AspenNode: three nodes that were told of nobody find each other by the SRV records of a name', async (t) => {
  const { dns, server } = await nameServer(t)
  const name = '_aspen._tcp.cluster.test'
  const settings = { ...ALONE, dnsDiscoveryUrl: [`dns://${server}/${name}`] }
  const nodes = testNodes(t)
  const all = await Promise.all([nodes.start(1, settings), nodes.start(2, settings), nodes.start(3, settings)])
  // The name is there only after they have asked for it.
  dns.say(
    'SRV',
    name,
    all.map((node) => dns.srv(name, `n${node.nodeId}.cluster.test`, portOf(node))),
  )
  for (const { nodeId } of all) {
    const host = `n${nodeId}.cluster.test`
    dns.say('A', host, [dns.a(host, '127.0.0.1')])
    dns.say('AAAA', host, [])
  }
  const [one, two, three] = all
  await one.init([1])
  await one.addLearner(2, undefined, { timeoutMs: 60_000 })
  await one.addLearner(3, undefined, { timeoutMs: 60_000 })
  await one.changeMembership({ members: [1, 2, 3] })
  await three.write({ Set: { key: 'k', value: 'v' } })
  assert.equal(text((await two.read('k'))?.value), 'v')
  const { peers } = await one.peers()
  assert.ok(peers.every((peer) => peer.sources.some(({ source }) => source === 'dns')))
  const source = await eventually('nothing is wrong any more', async () => {
    const found = (await one.peers()).sources.find((each) => each.source === 'dns')
    return found?.lastError === null && found
  })
  assert.equal(source.detail, `of dns://${server}/${name}`)

  // A host name is the system's to find: this one stands in the hosts file.
  const four = await nodes.start(4, { ...ALONE, dnsDiscoveryUrl: [`localhost:${portOf(one)}`] })
  assert.deepEqual((await one.addLearner(4, undefined, { timeoutMs: 60_000 })).learners, [4])
  // A port at which another protocol is spoken, or nobody: nothing comes of it, but that it is said.
  const unknown = await nodes.start(5, { ...ALONE, dnsDiscoveryUrl: ['localhost:1'] })
  const failed = await eventually('it is said', async () =>
    (await unknown.peers()).sources.find((each) => each.lastError !== null),
  )
  assert.match(failed.lastError ?? '', /^localhost:1: no node answers at (127\.0\.0\.1|\[::1\]):1/)
  assert.deepEqual((await unknown.peers()).peers, [])
  assert.ok((await four.peers()).peers.some(({ endpointId }) => endpointId === one.endpointId))
})

test('AspenNode: names alone look nobody up, where it is not switched on', async (t) => {
  const { dns, server } = await nameServer(t)
  const off = { ...ALONE, enableDnsDiscovery: false, dnsDiscoveryUrl: [`dns://${server}/a.test:1`] }
  const node = await testNodes(t).start(1, off)
  await node.init([1])
  assert.equal(
    (await node.peers()).sources.some(({ source }) => source === 'dns'),
    false,
  )
  assert.deepEqual(dns.asked, [])
})

test('AspenNode: nodes that moved, all of them, find each other again by their keys in a zone, as iroh has it', async (t) => {
  const { dns, server } = await nameServer(t)
  const zone = 'keys.test'
  const settings = { ...ALONE, dnsDiscoveryUrl: [`dns://${server}/${zone}`] }
  const publish = (...nodes: readonly AspenNode[]): void => {
    for (const node of nodes) {
      const name = recordName(node.endpointId, zone)
      dns.say('TXT', name, dns.txt(name, ...node.status().addresses.map((address) => `addr=${address}`)))
    }
  }
  const nodes = testNodes(t)
  const two = await nodes.start(2, settings)
  // A key alone, and no address.
  const one = await nodes.start(1, { ...settings, peers: [{ nodeId: 2, endpointId: two.endpointId, addresses: [] }] })
  publish(one, two)
  await one.init([1])
  await one.addLearner(2, undefined, { timeoutMs: 60_000 })
  await one.changeMembership({ members: [1, 2] })
  await one.write({ Set: { key: 'k', value: 'v' } })
  await Promise.all([one.stop(), two.stop()])
  const [again, other] = await Promise.all([nodes.start(1, settings), nodes.start(2, settings)])
  publish(again, other)
  await eventually('there is a leader', () => again.status().leader !== null && other.status().leader !== null)
  assert.equal(text((await other.read('k'))?.value), 'v')
})
