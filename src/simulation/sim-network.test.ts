import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../lib/index.ts'
import { RAFT_CHANNEL } from '../ports/index.ts'
import type { Channel, Transport } from '../ports/index.ts'
import { Life } from './life.ts'
import { Scheduler } from './scheduler.ts'
import type { NetworkProfile } from './sim-connection.ts'
import { RELIABLE_NETWORK, SimNetwork } from './sim-network.ts'

interface Station {
  readonly transport: Transport
  readonly channel: Channel
  readonly life: Life
  readonly heard: string[]
}

interface World {
  readonly scheduler: Scheduler
  readonly network: SimNetwork
  readonly station: (name: string, clusterId?: string | null) => Station
  readonly run: (ms: number) => void
}

function world(seed = 1, profile: NetworkProfile = RELIABLE_NETWORK): World {
  const scheduler = new Scheduler()
  const network = new SimNetwork(scheduler, new Prng(seed), profile)
  const station = (name: string, clusterId: string | null = null): Station => {
    const life = new Life(scheduler, name)
    const heard: string[] = []
    const transport = network.attach(name, life)
    const channel = transport.attach(RAFT_CHANNEL, {
      opened: (peer) => heard.push(`opened ${peer.endpointId}`),
      claimed: (peer) => heard.push(`claimed ${peer.endpointId} ${peer.claims.clusterId}`),
      closed: (peer, end) => heard.push(`closed ${peer} ${end}`),
      refused: (peer) => heard.push(`refused ${peer}`),
      message: (peer, bytes) => heard.push(`${peer}: ${bytes.join(' ')}`),
    })
    transport.start({ nodeId: 1, clusterId, addresses: [], languageVersion: 1 }).catch((error: unknown) => assert.ifError(error))
    return { transport, channel, life, heard }
  }
  const run = (ms: number): void => {
    const until = scheduler.now + ms
    while (scheduler.step(until));
  }
  return { scheduler, network, station, run }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

test('SimNetwork: links two stations once, whoever dials, and carries messages in order', () => {
  const { station, run, network } = world()
  const a = station('a')
  const b = station('b')
  assert.equal(a.channel.send('b', [], 'bulk'), false)
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  b.transport.connect({ endpointId: 'a', addresses: [], relay: null })
  run(100)
  assert.deepEqual(a.heard, ['opened b'])
  assert.deepEqual(b.heard, ['opened a'])
  assert.equal(network.counters.linksOpened, 1)
  for (const i of numbers(1, 50)) assert.equal(a.channel.send('b', [Uint8Array.of(i), Uint8Array.of(0)], 'bulk'), true)
  run(100)
  assert.deepEqual(
    b.heard.slice(1),
    numbers(1, 50).map((i) => `a: ${i} 0`),
  )
  assert.deepEqual(
    a.transport.peers().map(({ endpointId, state }) => `${endpointId} ${state}`),
    ['b connected'],
  )
})

test('SimNetwork: tells peers of a killed process at once, and hints that its port refuses until it is back', () => {
  const { station, run, network } = world()
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  b.life.end()
  network.crashed('b', 'killed')
  run(500)
  assert.equal(a.heard[1], 'closed b lost')
  assert.equal(a.heard[2], 'refused b')
  const again = station('b')
  run(500)
  assert.equal(a.heard.at(-1), 'opened b')
  assert.deepEqual(again.heard, ['opened a'])
})

test('SimNetwork: leaves peers of a machine without power to their keep-alive, and never hints', () => {
  const { station, run, network } = world()
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  b.life.end()
  network.crashed('b', 'power-cut')
  run(RELIABLE_NETWORK.keepAliveMinMs - 1)
  assert.deepEqual(a.heard, ['opened b'])
  run(2000)
  assert.deepEqual(a.heard, ['opened b', 'closed b lost'])
})

test('SimNetwork: ends a link whose path is cut, and opens it again once healed', () => {
  const { station, run, network } = world()
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  network.cut('a', 'b')
  assert.equal(a.channel.send('b', [Uint8Array.of(1)], 'bulk'), true)
  assert.equal(b.channel.send('a', [Uint8Array.of(2)], 'bulk'), true)
  run(1000)
  assert.deepEqual(b.heard, ['opened a', 'closed a lost'])
  assert.deepEqual(a.heard, ['opened b', 'b: 2', 'closed b lost'])
  network.heal('a', 'b')
  run(1000)
  assert.equal(a.heard.at(-1), 'opened b')
})

test('SimNetwork: does not link two clusters, and ends the link of those that become two', () => {
  const { station, run } = world()
  const a = station('a', 'X')
  const b = station('b', 'Y')
  const c = station('c')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  a.transport.connect({ endpointId: 'c', addresses: [], relay: null })
  run(1000)
  assert.deepEqual(a.heard, ['opened c'])
  assert.deepEqual(b.heard, [])
  assert.match(a.transport.peers().find(({ endpointId }) => endpointId === 'b')?.lastError ?? '', /^CLUSTER_MISMATCH: /)
  c.transport.announce({ nodeId: 3, clusterId: 'X', addresses: [], languageVersion: 1 })
  c.channel.send('a', [Uint8Array.of(1)], 'bulk')
  run(100)
  assert.deepEqual(a.heard, ['opened c', 'claimed c X', 'c: 1'])
  c.transport.announce({ nodeId: 3, clusterId: 'Z', addresses: [], languageVersion: 1 })
  run(100)
  assert.equal(a.heard.at(-1), 'closed c graceful')
  run(1000)
  assert.equal(a.heard.at(-1), 'closed c graceful')
})

test('SimNetwork: loses, doubles and reorders single messages when it is told to', () => {
  const { station, run, network } = world(3, { ...RELIABLE_NETWORK, loss: 0.1, duplication: 0.1, reordering: 0.2 })
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  for (const i of numbers(0, 199)) a.channel.send('b', [Uint8Array.of(i)], 'bulk')
  run(1000)
  const arrived = b.heard.slice(1).map((line) => Number(line.slice(3)))
  assert.equal(arrived.length, 200 - network.counters.lost + network.counters.duplicated)
  assert.ok(network.counters.lost > 5 && network.counters.duplicated > 5)
  assert.ok(arrived.some((value, i) => i > 0 && value < (arrived[i - 1] as number)))
})

test('SimNetwork: keeps the links of a process that stands still until its peers give up, and delivers late', () => {
  const { station, run, network } = world()
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  b.life.pause()
  network.paused('b')
  a.channel.send('b', [Uint8Array.of(1)], 'bulk')
  run(RELIABLE_NETWORK.keepAliveMinMs - 1)
  assert.deepEqual([a.heard, b.heard], [['opened b'], ['opened a']])
  b.life.resume()
  run(1000)
  assert.deepEqual([a.heard, b.heard], [['opened b'], ['opened a', 'a: 1']])
  b.life.pause()
  network.paused('b')
  run(RELIABLE_NETWORK.keepAliveMaxMs + 1000)
  // Nobody refuses, for the port is there; and nobody answers.
  assert.deepEqual(a.heard, ['opened b', 'closed b lost'])
  assert.deepEqual(b.heard, ['opened a', 'a: 1'])
  b.life.resume()
  run(1000)
  assert.deepEqual(a.heard.slice(2), ['opened b'])
  assert.deepEqual(b.heard.slice(2), ['closed a lost', 'opened a'])
})

/** When each of `count` messages of 100 bytes arrives, all sent at once. */
function arrivals(prepare: (network: SimNetwork) => void, count: number): number[] {
  const { station, run, network, scheduler } = world(1, { ...RELIABLE_NETWORK, latencyMinMs: 1, latencyMaxMs: 1 })
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  prepare(network)
  for (const _ of numbers(1, count)) a.channel.send('b', [new Uint8Array(99)], 'bulk')
  const at: number[] = []
  for (let ms = 1; ms <= 200; ms++) {
    run(1)
    while (at.length < b.heard.length - 1) at.push(Math.round(scheduler.now - 100))
  }
  return at
}

test('SimNetwork: slows down one direction of one path, and no other', () => {
  assert.deepEqual(
    arrivals(() => undefined, 2),
    [1, 1],
  )
  assert.deepEqual(
    arrivals((network) => network.slowDown('a', 'b', 20), 2),
    [20, 20],
  )
  assert.deepEqual(
    arrivals((network) => network.slowDown('b', 'a', 20), 2),
    [1, 1],
  )
})

test('SimNetwork: lets so many bytes through a narrow path, one message after the other', () => {
  assert.deepEqual(
    arrivals((network) => network.narrow('a', 'b', 10), 4),
    [11, 21, 31, 41],
  )
  assert.deepEqual(
    arrivals((network) => {
      network.narrow('a', 'b', 10)
      network.widenAll()
    }, 2),
    [1, 1],
  )
})

test('SimNetwork: hints that a port refuses to some of those who lost a link, and not to others', () => {
  const heard: string[] = []
  let missed = 0
  for (let seed = 1; seed <= 50; seed++) {
    const { station, run, network } = world(seed, { ...RELIABLE_NETWORK, missedHint: 0.5 })
    const [a, b, c] = [station('a'), station('b'), station('c')]
    for (const { transport } of [a, b]) transport.connect({ endpointId: 'c', addresses: [], relay: null })
    run(100)
    c.life.end()
    network.crashed('c', 'killed')
    run(1000)
    heard.push([a, b].map((one) => one.heard.filter((line) => line === 'refused c').length > 0).join())
    missed += network.counters.missedHints
  }
  assert.ok(heard.includes('true,false') && heard.includes('false,true'), heard.join(' '))
  assert.ok(missed > 10, `${missed}`)
})

test('SimNetwork: breaks a link so that one side knows at once, and the other when its keep-alive ends', () => {
  const { station, run, network } = world()
  const a = station('a')
  const b = station('b')
  a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
  run(100)
  // Else the link is there again before the other side has missed it.
  network.cut('a', 'b')
  network.breakLinksAt('a', 'b')
  run(RELIABLE_NETWORK.keepAliveMinMs - 1)
  assert.deepEqual([a.heard, b.heard], [['opened b', 'closed b lost'], ['opened a']])
  run(1000)
  assert.deepEqual(b.heard, ['opened a', 'closed a lost'])
})

test('SimNetwork: repeats a run from its seed', () => {
  const runOnce = (seed: number): string => {
    const { station, run, network, scheduler } = world(seed)
    const a = station('a')
    const b = station('b')
    a.transport.connect({ endpointId: 'b', addresses: [], relay: null })
    run(50)
    for (const i of numbers(0, 20)) a.channel.send('b', [Uint8Array.of(i)], i % 2 === 0 ? 'bulk' : 'priority')
    run(3)
    network.breakLinks('a', 'b')
    run(1000)
    return JSON.stringify([a.heard, b.heard, network.counters, scheduler.executed])
  }
  assert.equal(runOnce(5), runOnce(5))
  assert.notEqual(runOnce(5), runOnce(6))
})
