import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candidate, Discovery, DiscoveryReport, SelfDescription } from '../../src/ports/index.ts'
import type { PeerHint } from '../../src/peers/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { Finding } from '../../src/node/finding.ts'

const OWN = 'aa'.repeat(32)
const OTHER = 'bb'.repeat(32)

class Means implements Discovery {
  readonly source = 'mdns'
  readonly said: SelfDescription[] = []
  readonly sought: (readonly string[])[] = []
  stopped = 0
  tell: (candidate: Candidate) => void = () => assert.fail('not started')

  start(self: SelfDescription, heard: (candidate: Candidate) => void): void {
    this.said.push(self)
    this.tell = heard
  }
  announce(self: SelfDescription): void {
    this.said.push(self)
  }
  seek(missing: readonly string[]): void {
    this.sought.push(missing)
  }
  report(): DiscoveryReport {
    return { source: 'mdns', detail: 'in a test', lastError: null }
  }
  async stop(): Promise<void> {
    this.stopped++
  }
}

function found() {
  const clock = new ManualClock()
  const means = new Means()
  const heard: (readonly [PeerHint, string])[] = []
  const announced: unknown[] = []
  const world = { clusterId: null as string | null, addresses: ['127.0.0.1:1'], wanted: [] as string[], linked: [] as string[] }
  const finding = new Finding({
    discoveries: [means],
    clock,
    nodeId: 1,
    clusterId: () => world.clusterId,
    wanted: () => world.wanted,
    heard: (hint, source) => heard.push([hint, source]),
    transport: {
      endpointId: OWN,
      addresses: () => world.addresses,
      announce: (change) => announced.push(change),
      peers: () =>
        world.linked.map((endpointId) => ({ endpointId, state: 'connected', claims: null, lastError: null, path: 'direct' })),
    },
  })
  finding.start()
  return { clock, means, heard, announced, world, finding }
}

const candidate = (clusterId: string | null, endpointId = OTHER): Candidate => ({
  endpointId,
  nodeId: 2,
  clusterId,
  addresses: ['127.0.0.1:2'],
  relay: null,
})

test('Finding: what is heard is passed on, but for this node itself and those of another cluster', () => {
  const { means, heard, world } = found()
  means.tell(candidate('c1'))
  means.tell(candidate(null))
  means.tell(candidate(null, OWN))
  assert.equal(heard.length, 2, 'a node without a cluster may join any')
  assert.deepEqual(heard[0], [{ endpointId: OTHER, nodeId: 2, addresses: ['127.0.0.1:2'], relay: null }, 'mdns'])
  world.clusterId = 'c1'
  means.tell(candidate('c2'))
  assert.equal(heard.length, 2)
  means.tell(candidate('c1'))
  means.tell(candidate(null))
  assert.equal(heard.length, 4)
})

test('Finding: what this node says follows what it is; those who are linked hear of its addresses', () => {
  const { clock, means, announced, world } = found()
  clock.advance(10_000)
  assert.deepEqual([means.said.length, announced], [1, []])
  world.clusterId = 'c1'
  clock.advance(1_000)
  assert.deepEqual([means.said.at(-1)?.clusterId, announced], ['c1', []])
  world.addresses = ['10.0.0.1:1']
  clock.advance(1_000)
  assert.deepEqual(means.said.at(-1)?.addresses, ['10.0.0.1:1'])
  assert.deepEqual(announced, [{ addresses: ['10.0.0.1:1'] }])
  clock.advance(10_000)
  assert.equal(means.said.length, 3)
})

test('Finding: who is missed is said once, and again when that changes', async () => {
  const { clock, means, world, finding } = found()
  world.wanted = [OWN, OTHER, OTHER]
  world.linked = [OTHER]
  clock.advance(5_000)
  assert.deepEqual(means.sought, [])
  world.linked = []
  clock.advance(60_000)
  assert.deepEqual(means.sought, [[OTHER]])
  world.linked = [OTHER]
  clock.advance(1_000)
  world.linked = []
  clock.advance(1_000)
  assert.deepEqual(means.sought, [[OTHER], [], [OTHER]])
  await finding.stop()
  world.addresses = ['10.0.0.9:1']
  clock.advance(10_000)
  assert.deepEqual([means.stopped, means.said.length], [1, 1])
})
