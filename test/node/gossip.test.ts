/** Whole nodes that gossip, over a simulated network. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodePorts } from '../../src/node/index.ts'
import type { Discovery, Signatures } from '../../src/ports/index.ts'
import {
  forkPrng,
  RELIABLE_NETWORK,
  Scheduler,
  simEndpointId,
  SimMachine,
  SimNetwork,
  simSignatures,
} from '../../src/simulation/index.ts'

const EPOCH = 1_767_225_600_000
const SEED = 5

/** Hears nothing, and says how it is doing. */
const silentDiscovery: Discovery = {
  source: 'mdns',
  start: () => undefined,
  announce: () => undefined,
  seek: () => undefined,
  report: () => ({ source: 'mdns', detail: 'on nothing', lastError: 'no interface' }),
  stop: () => Promise.resolve(),
}

class World {
  readonly scheduler = new Scheduler()
  readonly machines: readonly SimMachine[]
  readonly network: SimNetwork
  /** Those whose next check of a signature goes wrong. */
  readonly unlucky = new Set<string>()
  readonly failed: Error[] = []

  /** All but the first are told of the first. */
  constructor(nodes: number) {
    const { scheduler } = this
    const network = new SimNetwork(scheduler, forkPrng(SEED, 'network'), RELIABLE_NETWORK)
    this.network = network
    const nop = (): void => undefined
    const events = {
      opened: nop,
      refused: nop,
      stopped: nop,
      failed: (_: SimMachine, error: Error) => void this.failed.push(error),
    }
    this.machines = Array.from({ length: nodes }, (_, at) => {
      const peers = (): string[] => (at === 0 ? [] : [simEndpointId(1)])
      return new SimMachine({
        nodeId: at + 1,
        seed: SEED,
        scheduler,
        network,
        events,
        peers,
        watch: (ports) => this.#gossiping(ports),
      })
    })
    for (const machine of this.machines) machine.start()
  }

  run(ms: number): void {
    const until = this.scheduler.now + ms
    while (this.scheduler.step(until));
  }

  /** Who told this node of that one. */
  sources(at: number, of: number): readonly string[] {
    const entry = this.machines[at - 1]?.server?.serviceParts.peerBook.get(simEndpointId(of))
    return [...(entry?.hints.keys() ?? [])].toSorted()
  }

  actor(at: number): { readonly state: string; readonly failures: number } | undefined {
    const actors = this.machines[at - 1]?.server?.service.status().actors
    return actors?.find(({ path }) => path.endsWith('GossipActor'))
  }

  #gossiping(ports: NodePorts): NodePorts {
    const honest = simSignatures(ports.transport.endpointId)
    const signatures: Signatures = {
      ...honest,
      verify: (...args) => {
        if (this.unlucky.delete(honest.endpointId)) throw new Error('a check of a signature that throws')
        return honest.verify(...args)
      },
    }
    return {
      ...ports,
      signatures,
      discoveries: [silentDiscovery],
      gossip: { topic: new Uint8Array(32), wallClock: () => EPOCH + this.scheduler.now },
    }
  }
}

test('NodeServer: nodes that were told of one hear of all others by gossip, and are linked with them', () => {
  const world = new World(5)
  world.run(10_000)
  for (let at = 1; at <= 5; at++) {
    for (let of = 1; of <= 5; of++) {
      if (at === of) continue
      const sources = world.sources(at, of)
      assert.ok(sources.includes('gossip') && sources.includes('link'), `${at} knows ${of} by ${sources.join()}`)
      assert.ok(!sources.includes('hearsay'), 'nobody speaks for those who speak')
    }
  }
})

test('GossipActor: one that fails at what it hears is started again, and hears of everybody anew; its node goes on', () => {
  const world = new World(3)
  world.run(5_000)
  for (const at of [1, 2, 3]) world.unlucky.add(simEndpointId(at))
  world.run(60_000)
  for (const at of [1, 2, 3]) assert.deepEqual([world.actor(at)?.failures, world.actor(at)?.state], [1, 'running'])
  assert.deepEqual(world.failed, [])
  const report = world.machines[0]?.server?.serviceParts.discovery().gossip
  assert.deepEqual([report?.known, report?.neighbours], [2, 2])
})

test('NodeService.peers: says how the means of finding peers are doing', async () => {
  const world = new World(1)
  world.run(1_000)
  const report = await world.machines[0]?.server?.service.peers()
  const mdns = report?.sources.find(({ source }) => source === 'mdns')
  assert.deepEqual(mdns, { source: 'mdns', detail: 'on nothing', peers: 0, lastError: 'no interface' })
})

test('memberHealth: a member that others pass on the word of is cut off; when nobody hears of it any more, it is out of reach', async () => {
  const world = new World(3)
  world.run(5_000)
  const [one, two] = world.machines as [SimMachine, SimMachine, SimMachine]
  const settled = one.server?.service.init([1, 2, 3])
  for (let i = 0; i < 40; i++) {
    world.run(50)
    await Promise.resolve()
  }
  await settled
  const seen = (at: SimMachine, of: number): string | undefined =>
    at.server?.service.status().memberHealth.find(({ nodeId }) => nodeId === of)?.condition
  assert.deepEqual([seen(one, 2), seen(two, 1), seen(one, 3)], ['well', 'well', 'well'])
  world.network.cut(one.endpointId, two.endpointId)
  world.network.cut(two.endpointId, one.endpointId)
  // That a node is still there is passed on once a minute.
  for (let i = 0; i < 18 && !(seen(one, 2) === 'cut-off' && seen(two, 1) === 'cut-off'); i++) world.run(10_000)
  assert.deepEqual([seen(one, 2), seen(two, 1), seen(one, 3)], ['cut-off', 'cut-off', 'well'])
  world.network.healAll()
  world.run(5_000)
  two.crash('power-cut')
  world.run(100_000)
  assert.equal(seen(one, 2), 'unreachable')
})
