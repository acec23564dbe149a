import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { MAX_PIPELINED_A_TURN, MAX_TURNS_HELD, TurnShare } from './turn-share.ts'
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
}

function scene(count: number): Scene {
  const server = new EventEmitter()
  const share = new TurnShare(server as never)
  const connections = Array.from({ length: count }, () => new Connection())
  for (const connection of connections) server.emit('connection', connection)
  const read = (): number[] => connections.flatMap((connection, i) => (connection.isPaused() ? [] : [i]))
  return { share, connections, read }
}

function pipeline({ share, connections }: Scene, place: number, requests: number): void {
  for (let i = 0; i < requests; i++) share.pipelined(connections[place] as Connection)
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
    assert.equal(world.share.endTurn(), true)
    assert.deepEqual(world.read(), [3])
    pipeline(world, 3, 1)
    assert.equal(world.share.endTurn(), false)
    assert.deepEqual(world.read(), [0, 1, 2, 3])
  })

  test('holds nobody for ever, however many others come', () => {
    const world = scene(MAX_TURNS_HELD + 1)
    for (let turn = 0; turn < MAX_TURNS_HELD; turn++) {
      assert.equal(world.read().includes(0), turn === 0)
      pipeline(world, turn, MAX_PIPELINED_A_TURN)
      world.share.endTurn()
    }
    assert.equal(world.read().length, MAX_TURNS_HELD + 1)
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
