import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { RequestQueue, RequestQueues } from './request-queues.ts'
import { MAX_HTTP_TURN_MS } from '../../limits.ts'

const SLICE_MS = MAX_HTTP_TURN_MS / 2

class Answer extends EventEmitter {
  readonly name: string
  writableLength = 0

  constructor(name: string) {
    super()
    this.name = name
  }
}

interface Scene {
  readonly queues: RequestQueues
  /** What was served and emptied, since this was asked last. */
  happened(): string[]
  readonly woken: () => number
  /** One more request, called by its connection and its number on it. */
  add(queue: RequestQueue, answer: string | Answer): void
  readonly connection: (name: string) => RequestQueue & { readonly socket: { destroyed: boolean } }
}

/** Each request takes so many milliseconds. */
function scene(requestMs: number): Scene {
  let events: string[] = []
  let [now, woken] = [0, 0]
  const ticks: (() => void)[] = []
  const queues = new RequestQueues({
    serve: (_request, response) => {
      now += requestMs
      events.push((response as unknown as Answer).name)
    },
    emptied: (socket) => events.push(`${(socket as { name: string }).name} is read`),
    woken: () => woken++,
    afterTick: (next) => ticks.push(next),
    now: () => now,
  })
  return {
    queues,
    woken: () => woken,
    happened: () => {
      for (let tick = ticks.shift(); tick !== undefined; tick = ticks.shift()) tick()
      const happened = events
      events = []
      return happened
    },
    connection: (name) => new RequestQueue({ name, destroyed: false } as never),
    add: (queue, answer) => {
      const response = typeof answer === 'string' ? new Answer(answer) : answer
      queues.add(queue, { headers: {} } as never, response as never)
    },
  }
}

describe('RequestQueues', () => {
  test('serves one of each connection in a round, each in its order, and says when one has no more', () => {
    const { queues, happened, add, connection } = scene(0)
    const [a, b] = [connection('a'), connection('b')]
    for (const name of ['a1', 'a2', 'a3']) add(a, name)
    for (const name of ['b1', 'b2']) add(b, name)
    assert.equal(queues.waiting, 5)
    queues.serve(false)
    assert.deepEqual(happened(), ['a1', 'b1', 'a2', 'b2', 'b is read', 'a3', 'a is read'])
    assert.equal(queues.waiting, 0)
    assert.equal(queues.isReady, false)
  })

  test('begins none after its time, goes on where it was, and takes little time when others are there', () => {
    const { queues, happened, add, connection } = scene(SLICE_MS / 3)
    const [a, b] = [connection('a'), connection('b')]
    for (let i = 1; i < 10; i++) {
      add(a, `a${i}`)
      add(b, `b${i}`)
    }
    queues.serve(false)
    assert.deepEqual(happened(), ['a1', 'b1', 'a2'])
    queues.serve(true)
    assert.deepEqual(happened(), ['b2'])
    queues.serve(false)
    assert.deepEqual(happened(), ['a3', 'b3', 'a4'])
    assert.equal(queues.isReady, true)
  })

  test('serves nothing behind a large answer that was not read, wakes when it was, and others are served meanwhile', () => {
    const { queues, happened, add, connection, woken } = scene(0)
    const [a, b] = [connection('a'), connection('b')]
    const [large, alsoLarge] = [new Answer('a1'), new Answer('a2')]
    large.writableLength = alsoLarge.writableLength = 64 * 1024
    for (const answer of [large, alsoLarge]) add(a, answer)
    add(b, 'b1')
    queues.serve(false)
    assert.deepEqual(happened(), ['a1', 'b1', 'b is read'])
    assert.equal(queues.isReady, false)
    large.emit('close')
    assert.equal(woken(), 1)
    queues.serve(false)
    assert.deepEqual(happened(), ['a2'], 'nor is anything read behind it')
    alsoLarge.emit('close')
    queues.serve(false)
    assert.deepEqual(happened(), ['a is read'])
  })

  test('serves what is last before all else, at once, and once', () => {
    const { queues, happened, add, connection } = scene(SLICE_MS / 5)
    const [a, b] = [connection('a'), connection('b')]
    for (let i = 1; i < 10; i++) {
      add(a, `a${i}`)
      if (i <= 4) add(b, `b${i}`)
    }
    queues.finish(b)
    queues.serve(true)
    assert.deepEqual(happened(), ['b1', 'b2', 'b3', 'b4', 'b is read', 'a1'])
    queues.serve(false)
    assert.deepEqual(happened().slice(0, 2), ['a2', 'a3'])
  })

  test('gives up what waits on a connection that has closed', () => {
    const { queues, happened, add, connection } = scene(0)
    const [a, b] = [connection('a'), connection('b')]
    for (const name of ['a1', 'a2']) add(a, name)
    add(b, 'b1')
    a.socket.destroyed = true
    queues.drop(a)
    assert.equal(queues.waiting, 1)
    queues.serve(false)
    assert.deepEqual(happened(), ['b1', 'b is read'])
    assert.equal(queues.waiting, 0)
  })
})
