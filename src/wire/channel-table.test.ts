import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelHandler, ChannelKind } from '../ports/index.ts'
import { ChannelTable } from './channel-table.ts'

const KIND: ChannelKind = { id: 3, name: 'three', topLane: 'normal', maxQueueBytes: 1_000 }
const OTHER: ChannelKind = { ...KIND, id: 4, name: 'four' }

class Bench {
  readonly heard: string[] = []
  unclaimed = 0
  readonly #posted: (() => void)[] = []
  readonly table = new ChannelTable({
    post: (run) => void this.#posted.push(run),
    send: (to, _kind, parts, lane) => {
      this.heard.push(`to ${to}: ${parts.map((part) => part.join(' ')).join(' | ')} in ${lane}`)
      return true
    },
    unclaimed: () => void this.unclaimed++,
  })

  handler(name: string): ChannelHandler {
    const note = (text: string): void => void this.heard.push(`${name}: ${text}`)
    return {
      opened: ({ endpointId }) => note(`opened ${endpointId}`),
      claimed: ({ endpointId, claims }) => note(`claimed ${endpointId} ${claims.nodeId}`),
      closed: (endpointId, end) => note(`closed ${endpointId} ${end}`),
      refused: (endpointId) => note(`refused ${endpointId}`),
      message: (endpointId, bytes) => note(`${endpointId} says ${bytes.join(' ')}`),
    }
  }

  opened(endpointId: string, nodeId = 1): void {
    this.table.opened({ endpointId, claims: { nodeId, clusterId: null, addresses: [], languageVersion: 1 } })
  }

  settle(): string[] {
    for (const run of this.#posted.splice(0)) run()
    return this.heard.splice(0)
  }
}

test('ChannelTable: tells whoever attaches of the links there are, later and once, and then of what happens', () => {
  const bench = new Bench()
  bench.opened('x')
  bench.opened('y')
  bench.table.attach(KIND, bench.handler('a'))
  assert.deepEqual(bench.heard, [], 'nothing is said from inside the call')
  assert.deepEqual(bench.settle(), ['a: opened x', 'a: opened y'])
  bench.table.closed('x', 'moved')
  bench.opened('z')
  assert.deepEqual(bench.settle(), ['a: closed x moved', 'a: opened z'])
})

test('ChannelTable: catches a newcomer up before the first thing that it hears', () => {
  const bench = new Bench()
  bench.opened('x')
  bench.table.attach(KIND, bench.handler('a'))
  bench.table.message('x', Uint8Array.of(3, 9))
  assert.deepEqual(bench.settle(), ['a: opened x', 'a: x says 9'])
  bench.table.attach(OTHER, bench.handler('b'))
  bench.opened('y')
  assert.deepEqual(bench.settle(), ['b: opened x', 'a: opened y', 'b: opened y'])
})

test('ChannelTable: one who attaches inside an event hears of it once', () => {
  const bench = new Bench()
  const handler = bench.handler('a')
  bench.table.attach(KIND, {
    ...handler,
    opened: (peer) => {
      handler.opened(peer)
      bench.table.attach(OTHER, bench.handler('b'))
    },
  })
  bench.opened('x')
  assert.deepEqual(bench.settle(), ['a: opened x', 'b: opened x'])
})

test('ChannelTable: drops and counts what is for nobody, whatever its number', () => {
  const bench = new Bench()
  bench.opened('x')
  const channel = bench.table.attach(KIND, bench.handler('a'))
  bench.settle()
  for (const bytes of [[], [4], [0x83, 0], [255]]) bench.table.message('x', Uint8Array.from(bytes))
  assert.equal(bench.unclaimed, 4)
  channel.detach()
  bench.table.message('x', Uint8Array.of(3))
  assert.equal(bench.unclaimed, 5)
  assert.deepEqual(bench.settle(), ['to x: 63 | 0 3 in priority'])
})

test('ChannelTable: puts the number before what is sent, in no better lane than the channel has', () => {
  const bench = new Bench()
  const channel = bench.table.attach(KIND, bench.handler('a'))
  assert.ok(channel.send('x', [Uint8Array.of(7)], 'priority'))
  assert.ok(channel.send('x', [], 'bulk'))
  assert.deepEqual(bench.settle(), ['to x: 3 | 7 in normal', 'to x: 3 in bulk'])
  channel.detach()
  assert.equal(channel.send('x', [], 'bulk'), false)
  assert.throws(() => bench.table.attach({ ...KIND, id: 64 }, bench.handler('c')), /64 is no number of a channel/)
})

test('ChannelTable: who leaves a channel, and comes back, tells those who are linked, and those to come', () => {
  const bench = new Bench()
  bench.opened('x')
  const channel = bench.table.attach(KIND, bench.handler('a'))
  bench.settle()
  channel.detach()
  channel.detach()
  assert.deepEqual(bench.settle(), ['to x: 63 | 0 3 in priority'])
  bench.opened('y')
  assert.deepEqual(bench.settle(), ['to y: 63 | 0 3 in priority'])
  bench.table.attach(KIND, bench.handler('b'))
  assert.deepEqual(bench.settle(), ['to x: 63 | 1 3 in priority', 'to y: 63 | 1 3 in priority', 'b: opened x', 'b: opened y'])
  bench.opened('z')
  assert.deepEqual(bench.settle(), ['b: opened z'])
})

test('ChannelTable: a peer that leaves a channel is closed there, once, and nothing is heard of it until it is back', () => {
  const bench = new Bench()
  bench.opened('x')
  const channel = bench.table.attach(KIND, bench.handler('a'))
  bench.table.attach(OTHER, bench.handler('b'))
  bench.settle()
  const says = (...bytes: number[]): void => bench.table.message('x', Uint8Array.from(bytes))
  says(63, 1, 3)
  assert.deepEqual(bench.settle(), [], 'that was known')
  says(63, 0, 3)
  says(63, 0, 3)
  says(3, 9)
  says(4, 9)
  bench.table.claimed({ endpointId: 'x', claims: { nodeId: 7, clusterId: null, addresses: [], languageVersion: 1 } })
  assert.deepEqual(bench.settle(), ['a: closed x detached', 'b: x says 9', 'b: claimed x 7'])
  assert.deepEqual([bench.unclaimed, channel.send('x', [], 'normal')], [1, false])
  says(63, 1, 3)
  says(3, 9)
  assert.deepEqual(bench.settle(), ['a: opened x', 'a: x says 9'])
  says(63, 0, 3)
  bench.table.closed('x', 'lost')
  assert.deepEqual(bench.settle(), ['a: closed x detached', 'b: closed x lost'])
  bench.opened('x')
  assert.deepEqual(bench.settle(), ['a: opened x', 'b: opened x'], 'another life of it takes part until it says otherwise')
})

test('ChannelTable: whoever attaches learns nothing of peers that take no part; notices of nonsense change nothing', () => {
  const bench = new Bench()
  bench.opened('x')
  bench.opened('y')
  bench.table.message('x', Uint8Array.of(63, 0, 3))
  for (const bytes of [[63], [63, 0], [63, 0, 3, 0], [63, 2, 3], [63, 0, 63], [63, 0, 200]])
    bench.table.message('y', Uint8Array.from(bytes))
  bench.table.message('stranger', Uint8Array.of(63, 0, 3))
  assert.equal(bench.unclaimed, 7)
  bench.table.attach(KIND, bench.handler('a'))
  assert.deepEqual(bench.settle(), ['a: opened y'])
  bench.table.message('x', Uint8Array.of(63, 1, 3))
  assert.deepEqual(bench.settle(), ['a: opened x'])
  assert.throws(() => bench.table.attach({ ...KIND, id: 63 }, bench.handler('b')), /63 is no number of a channel/)
})

test('ChannelTable: a notice that comes before a newcomer has caught up finds it so', () => {
  const bench = new Bench()
  bench.opened('x')
  bench.table.attach(KIND, bench.handler('a'))
  bench.table.message('x', Uint8Array.of(63, 0, 3))
  assert.deepEqual(bench.settle(), ['a: opened x', 'a: closed x detached'])
})
