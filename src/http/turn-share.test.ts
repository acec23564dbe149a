import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { MAX_PIPELINED_A_TURN, TurnShare } from './turn-share.ts'
import type { Held } from './turn-share.ts'

/** A socket, of which only whether it is read is of interest. */
class Connection extends EventEmitter implements Held {
  #paused = false

  isPaused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.emit('resume')
  }
}

interface Scene {
  readonly share: TurnShare
  readonly connections: readonly Connection[]
  /** Which connections are read, by their places. */
  read(): number[]
  /** @returns the place of a new connection */
  connect(): number
}

function scene(count: number, polite: readonly number[] = []): Scene {
  const server = new EventEmitter()
  const share = new TurnShare(server as never, (connection) => polite.includes(connections.indexOf(connection as Connection)))
  const connections: Connection[] = []
  const connect = (): number => {
    const connection = new Connection()
    server.emit('connection', connection)
    // Node begins to read once everybody has heard of the connection.
    connection.resume()
    return connections.push(connection) - 1
  }
  for (let i = 0; i < count; i++) connect()
  const read = (): number[] => connections.flatMap((connection, i) => (connection.isPaused() ? [] : [i]))
  return { share, connections, read, connect }
}

function pipeline({ share, connections }: Scene, place: number, requests: number): void {
  for (let i = 0; i < requests; i++) share.pipelined(connections[place] as Connection)
}

/** Whatever is read pipelines half of a turn's share. @returns after how many turns what was heard is as wanted */
function countTurns(world: Scene, wanted: (heard: readonly number[]) => boolean, bound: number): number {
  const heard: number[] = []
  for (let turn = 1; turn <= bound; turn++) {
    for (const place of world.read()) {
      if (world.connections[place]?.isPaused() === true) continue
      heard.push(place)
      pipeline(world, place, MAX_PIPELINED_A_TURN / 2)
    }
    world.share.endTurn()
    if (wanted(heard)) return turn
  }
  return Number.POSITIVE_INFINITY
}

describe('TurnShare', () => {
  test('reads everybody in a turn with few requests', () => {
    const world = scene(3)
    pipeline(world, 0, MAX_PIPELINED_A_TURN - 1)
    assert.deepEqual(world.read(), [0, 1, 2])
    assert.equal(world.share.endTurn(), false)
    pipeline(world, 1, MAX_PIPELINED_A_TURN - 1)
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('reads nobody once the turn has had its share, then first those who were not heard, then everybody', () => {
    const world = scene(4)
    pipeline(world, 0, MAX_PIPELINED_A_TURN / 2)
    pipeline(world, 1, MAX_PIPELINED_A_TURN / 2)
    assert.deepEqual(world.read(), [])
    assert.equal(world.share.endTurn(), true)
    assert.deepEqual(world.read(), [2, 3])
    pipeline(world, 2, MAX_PIPELINED_A_TURN)
    assert.deepEqual(world.read(), [])
    world.share.endTurn()
    assert.deepEqual(world.read(), [3])
    pipeline(world, 3, 1)
    world.share.endTurn()
    assert.deepEqual(world.read(), [0, 1, 2, 3])
    assert.equal(world.share.endTurn(), false)
  })

  test('reads all of many in turn, none of them twice before each was read once', () => {
    const world = scene(1000)
    const heardAll = (heard: readonly number[]): boolean => new Set(heard).size === 1000
    let twiceTooEarly = false
    const turns = countTurns(
      world,
      (heard) => {
        if (!heardAll(heard)) twiceTooEarly ||= new Set(heard).size < heard.length
        return heardAll(heard)
      },
      2000,
    )
    assert.equal(turns, 500)
    assert.equal(twiceTooEarly, false)
  })

  test('reads those who wait for their answers in every turn', () => {
    const world = scene(1000, [700])
    pipeline(world, 500, MAX_PIPELINED_A_TURN)
    world.share.endTurn()
    for (let turn = 0; turn < 100; turn++) {
      assert.ok(world.read().includes(700))
      pipeline(world, world.read().find((place) => place !== 700) as number, MAX_PIPELINED_A_TURN)
      assert.deepEqual(world.read(), [])
      world.share.endTurn()
    }
    pipeline(world, 700, MAX_PIPELINED_A_TURN)
    world.share.endTurn()
    assert.ok(!world.read().includes(700), 'who pipelines after all waits like the others')
  })

  test('lets those who come wait until everybody was heard', () => {
    const world = scene(100)
    pipeline(world, 0, MAX_PIPELINED_A_TURN)
    const late = world.connect()
    world.share.endTurn()
    for (let turn = 1; turn < 100; turn++) {
      assert.ok(!world.read().includes(late))
      pipeline(world, world.read()[0] as number, MAX_PIPELINED_A_TURN)
      world.share.endTurn()
    }
    assert.ok(world.read().includes(late))
  })

  test('holds on when Node resumes a connection that waits, and lets alone what Node has paused', () => {
    const world = scene(3)
    const [busy, done, full] = world.connections as [Connection, Connection, Connection]
    full.pause()
    pipeline(world, 0, MAX_PIPELINED_A_TURN)
    busy.resume()
    done.resume()
    assert.deepEqual(world.read(), [])
    world.share.endTurn()
    busy.resume()
    assert.deepEqual(world.read(), [1])
    world.share.endTurn()
    assert.deepEqual(world.read(), [0, 1])
    full.resume()
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('never reads again what is closing, and knows nothing of what has closed', () => {
    const world = scene(3)
    const [closing, closed] = world.connections as [Connection, Connection, Connection]
    pipeline(world, 0, MAX_PIPELINED_A_TURN)
    world.share.end(closing)
    closed.emit('close')
    world.share.endTurn()
    world.share.endTurn()
    closing.resume()
    assert.deepEqual(world.read(), [2])
  })
})
