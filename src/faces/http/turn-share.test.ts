import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { Prng } from '../../lib/index.ts'
import { TurnShare } from './turn-share.ts'
import type { Held } from './turn-share.ts'
import { MAX_HTTP_TURN_MS } from '../../limits.ts'

/** Each request takes an even part of a turn's time. */
const REQUESTS_A_TURN = 512

let letGo = 0
let woken = 0

/** A socket as Node's HTTP server handles it: what is read is decided by the events, and `resume` comes later than its cause. */
class Connection extends EventEmitter implements Held {
  /** How many were let go before it since it was last held; undefined while it is not read. */
  place: number | undefined
  readonly #ticks: Connection[]
  #flows = false
  /** Node waits until answers have left. */
  #full = false

  constructor(ticks: Connection[]) {
    super()
    this.#ticks = ticks
    this.on('resume', () => {
      if (this.#full) this.pause()
      else this.place ??= letGo++
    })
    this.on('pause', () => (this.place = undefined))
  }

  get isRead(): boolean {
    return this.place !== undefined
  }

  isPaused(): boolean {
    return !this.#flows
  }

  pause(): void {
    if (!this.#flows) return
    this.#flows = false
    this.emit('pause')
  }

  resume(): void {
    if (this.#flows) return
    this.#flows = true
    this.#ticks.push(this)
  }

  fill(): void {
    this.#full = true
    this.pause()
  }

  drain(): void {
    this.#full = false
    this.resume()
  }
}

interface Scene {
  /** Lets the time pass that one request takes. */
  work(): void
  readonly share: TurnShare
  readonly connections: readonly Connection[]
  /** Which connections are read, by their places. */
  read(): number[]
  /** The same in the order in which they were let go. */
  order(): number[]
  /** @returns the place of a new connection */
  connect(): number
}

function scene(count: number, polite: readonly number[] = []): Scene {
  const server = new EventEmitter()
  let requests = 0
  const share = new TurnShare(server as never, {
    isPolite: (connection) => polite.includes(connections.indexOf(connection as Connection)),
    now: () => (requests * MAX_HTTP_TURN_MS) / REQUESTS_A_TURN,
    woken: () => woken++,
  })
  const connections: Connection[] = []
  const ticks: Connection[] = []
  const tick = (): void => {
    for (const connection of ticks.splice(0)) connection.emit('resume')
  }
  const connect = (): number => {
    const connection = new Connection(ticks)
    server.emit('connection', connection)
    // Node begins to read once everybody has heard of the connection.
    connection.resume()
    tick()
    return connections.push(connection) - 1
  }
  for (let i = 0; i < count; i++) connect()
  // That they came is past.
  share.endTurn()
  share.endTurn()
  const read = (): number[] => {
    tick()
    return connections.flatMap(({ isRead }, i) => (isRead ? [i] : []))
  }
  const order = (): number[] => {
    const place = (i: number): number => connections[i]?.place ?? 0
    return read().toSorted((a, b) => place(a) - place(b))
  }
  return { work: () => void requests++, share, connections, read, order, connect }
}

function pipeline(world: Scene, place: number, requests: number): void {
  for (let i = 0; i < requests; i++) {
    world.work()
    world.share.took(world.connections[place] as Connection, true)
  }
}

/** The end of a turn, and the begin of the next. */
function endTurn({ share }: Scene): boolean {
  const goesOn = share.endTurn()
  share.beginTurn()
  return goesOn
}

/** Whatever is read pipelines half of a turn's share. @returns after how many turns what was heard is as wanted */
function countTurns(world: Scene, wanted: (heard: readonly number[]) => boolean, bound: number): number {
  const heard: number[] = []
  for (let turn = 1; turn <= bound; turn++) {
    for (const place of world.read()) {
      if (world.connections[place]?.isRead === false) continue
      heard.push(place)
      pipeline(world, place, REQUESTS_A_TURN / 2)
    }
    endTurn(world)
    if (wanted(heard)) return turn
  }
  return Number.POSITIVE_INFINITY
}

describe('TurnShare', () => {
  test('reads everybody in a turn with few requests', () => {
    const world = scene(3)
    pipeline(world, 0, REQUESTS_A_TURN - 1)
    assert.deepEqual(world.read(), [0, 1, 2])
    assert.equal(endTurn(world), false)
    pipeline(world, 1, REQUESTS_A_TURN - 1)
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('reads nobody once the turn has had its share, then first those who were not heard, then everybody', () => {
    const world = scene(4)
    pipeline(world, 0, REQUESTS_A_TURN / 2)
    pipeline(world, 1, REQUESTS_A_TURN / 2)
    assert.deepEqual(world.read(), [])
    assert.equal(endTurn(world), true)
    assert.deepEqual(world.read(), [2, 3])
    pipeline(world, 2, REQUESTS_A_TURN)
    assert.deepEqual(world.read(), [])
    endTurn(world)
    assert.deepEqual(world.read(), [3])
    pipeline(world, 3, 1)
    endTurn(world)
    assert.deepEqual(world.read(), [0, 1, 2, 3])
    assert.equal(endTurn(world), false)
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
    pipeline(world, 500, REQUESTS_A_TURN)
    endTurn(world)
    for (let turn = 0; turn < 100; turn++) {
      assert.ok(world.read().includes(700))
      pipeline(world, world.read().find((place) => place !== 700) as number, REQUESTS_A_TURN)
      assert.deepEqual(world.read(), [])
      endTurn(world)
    }
    pipeline(world, 700, REQUESTS_A_TURN)
    endTurn(world)
    assert.ok(!world.read().includes(700), 'who pipelines after all waits like the others')
  })

  test('reads each of many who wait for their answers in its turn, however soon the first of them come again', () => {
    const all = Array.from({ length: 2000 }, (_, i) => i)
    const world = scene(2000, all)
    const heard = new Set<number>()
    for (let turn = 0; turn < 4; turn++) {
      for (const place of world.order()) {
        const connection = world.connections[place] as Connection
        if (!connection.isRead) break
        heard.add(place)
        world.work()
        world.share.took(connection, false)
      }
      endTurn(world)
    }
    assert.equal(heard.size, 2000)
  })

  test('ends a turn of single pieces by its time, too', () => {
    const world = scene(3)
    world.share.took(world.connections[0] as Connection, false)
    for (let i = 0; i < REQUESTS_A_TURN; i++) world.work()
    assert.deepEqual(world.read(), [0, 1, 2])
    world.share.took(world.connections[1] as Connection, false)
    assert.deepEqual(world.read(), [])
    assert.equal(endTurn(world), true)
  })

  test('reads newcomers first in every other turn, and the others of the round in between', () => {
    const world = scene(100)
    pipeline(world, 0, REQUESTS_A_TURN)
    const heard = { newcomers: 0, others: 0 }
    let newcomer = world.connect()
    endTurn(world)
    pipeline(world, world.order().at(-1) as number, REQUESTS_A_TURN)
    endTurn(world)
    for (let turn = 0; turn < 40; turn++) {
      const [first, last] = [world.order()[0] as number, world.order().at(-1) as number]
      assert.ok(first === newcomer || last === newcomer, 'a newcomer is let go in each turn until it was heard')
      if (first === newcomer) heard.newcomers++
      else heard.others++
      pipeline(world, first, REQUESTS_A_TURN)
      if (first === newcomer) newcomer = world.connect()
      endTurn(world)
    }
    assert.deepEqual(heard, { newcomers: 20, others: 20 })
  })

  test('keeps the place of whoever was let go and not heard', () => {
    const world = scene(200)
    pipeline(world, 0, REQUESTS_A_TURN)
    endTurn(world)
    for (let turn = 0; turn < 100; turn++) {
      const [first, second] = world.order() as [number, number]
      pipeline(world, first, REQUESTS_A_TURN)
      endTurn(world)
      assert.equal(world.order()[0], second)
    }
  })

  test('holds on when Node resumes a connection that waits, also when that was under way', () => {
    const world = scene(3)
    const [busy, done] = world.connections as [Connection, Connection, Connection]
    done.pause()
    done.resume()
    pipeline(world, 0, REQUESTS_A_TURN)
    assert.deepEqual(world.read(), [])
    done.resume()
    assert.deepEqual(world.read(), [])
    endTurn(world)
    busy.resume()
    assert.deepEqual(world.read(), [1, 2])
    endTurn(world)
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('leaves it to Node to resume what Node has paused', () => {
    const world = scene(3)
    const [, full] = world.connections as [Connection, Connection, Connection]
    full.fill()
    pipeline(world, 0, REQUESTS_A_TURN)
    endTurn(world)
    assert.deepEqual(world.read(), [2])
    full.drain()
    assert.deepEqual(world.read(), [1, 2])
    full.fill()
    pipeline(world, 2, REQUESTS_A_TURN)
    full.drain()
    assert.deepEqual(world.read(), [], 'what Node resumes while nobody is read waits with the others')
    for (let turn = 0; turn < 3; turn++) endTurn(world)
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('leaves a body alone that nobody reads', () => {
    const world = scene(3)
    const body = world.connections[1] as Connection
    body.pause()
    pipeline(world, 0, REQUESTS_A_TURN)
    for (let turn = 0; turn < 3; turn++) endTurn(world)
    assert.deepEqual(world.read(), [0, 2])
    body.resume()
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('is not evaded by those that Node has paused when the turn is cut', () => {
    const world = scene(100)
    const flooders = world.connections.slice(0, 5)
    let honest = 0
    for (let turn = 0; turn < 200; turn++) {
      for (const place of world.read()) {
        const connection = world.connections[place] as Connection
        if (!connection.isRead) continue
        if (place >= 5) honest++
        pipeline(world, place, place < 5 ? REQUESTS_A_TURN - 1 : REQUESTS_A_TURN / 64)
        if (place < 5) connection.fill()
      }
      endTurn(world)
      for (const connection of flooders) connection.drain()
    }
    assert.ok(honest > 3 * 95, `${honest} reads of others in 200 turns`)
  })

  test('does not read what is suspended, whatever Node resumes and whoever is let go, until it is to be read on', () => {
    const world = scene(3)
    const [waiting, full] = world.connections as [Connection, Connection, Connection]
    world.share.suspend(waiting)
    full.fill()
    world.share.suspend(full)
    waiting.resume()
    assert.deepEqual(world.read(), [2])
    pipeline(world, 2, REQUESTS_A_TURN)
    endTurn(world)
    assert.equal(endTurn(world), false)
    assert.deepEqual(world.read(), [2])
    world.share.readOn(waiting)
    world.share.readOn(full)
    assert.deepEqual(world.read(), [0, 2], 'Node has paused the other')
    full.drain()
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('reads on in its turn what was suspended, also when its turn was over before', () => {
    const world = scene(3)
    const [late] = world.connections as [Connection, Connection, Connection]
    pipeline(world, 0, REQUESTS_A_TURN)
    world.share.suspend(late)
    endTurn(world)
    assert.deepEqual(world.read(), [1, 2])
    pipeline(world, 1, REQUESTS_A_TURN)
    endTurn(world)
    world.share.readOn(late)
    assert.ok(!world.read().includes(0))
    for (let turn = 0; turn < 3; turn++) endTurn(world)
    assert.deepEqual(world.read(), [0, 1, 2])
  })

  test('never reads again what is closing, and knows nothing of what has closed', () => {
    const world = scene(3)
    const [closing, closed] = world.connections as [Connection, Connection, Connection]
    pipeline(world, 0, REQUESTS_A_TURN)
    world.share.end(closing)
    closed.emit('close')
    endTurn(world)
    endTurn(world)
    closing.resume()
    assert.deepEqual(world.read(), [2])
    pipeline(world, 2, REQUESTS_A_TURN)
    assert.deepEqual(world.read(), [])
  })

  test('holds all while connections come in one turn after the other, and lets them go when none comes', () => {
    const world = scene(0)
    const before = woken
    for (let i = 0; i < 3; i++) {
      world.connect()
      endTurn(world)
      endTurn(world)
    }
    assert.equal(woken - before, 3)
    assert.deepEqual(world.read(), [0, 1, 2], 'one now and then is none of many')
    world.connect()
    assert.equal(endTurn(world), true)
    assert.deepEqual(world.read(), [0, 1, 2, 3])
    for (let i = 4; i < 40; i++) {
      world.connect()
      assert.deepEqual(world.read(), [], 'nobody is served before all have come')
      assert.equal(endTurn(world), true)
    }
    assert.equal(endTurn(world), true)
    assert.deepEqual(
      world.read(),
      world.connections.map((_, i) => i),
    )
    assert.equal(endTurn(world), false)
  })

  test('lets newcomers go a few at a time: to let each of a thousand go in each turn costs more than to serve them', () => {
    const world = scene(1)
    pipeline(world, 0, REQUESTS_A_TURN)
    for (let i = 0; i < 1_000; i++) world.connect()
    endTurn(world)
    const released = world.read().length
    assert.ok(released > 0 && released <= 65, `${released} were let go`)
    const heard = new Set<number>()
    let turns = 0
    while (heard.size < 1_001 && turns++ < 1_100) {
      for (const place of world.order().slice(0, 2)) {
        heard.add(place)
        pipeline(world, place, REQUESTS_A_TURN / 2)
      }
      endTurn(world)
    }
    assert.equal(heard.size, 1_001)
  })

  test('forgets nobody: whatever came, was held and let go in whichever order, all are read when nothing more comes', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new Prng(seed)
      const world = scene(5, [0, 1, 2])
      for (let step = 0; step < 60; step++) {
        const place = random.nextUint32() % world.connections.length
        switch (random.nextUint32() % 4) {
          case 0:
            world.connect()
            break
          case 1:
            if (world.read().includes(place)) pipeline(world, place, REQUESTS_A_TURN / 4)
            break
          default:
            endTurn(world)
        }
      }
      for (let turn = 0; turn < 100; turn++) endTurn(world)
      assert.equal(world.read().length, world.connections.length, `seed ${seed}`)
    }
  })

  test('serves those who are there in between, though connections come for ever', () => {
    const world = scene(4, [0, 1, 2, 3])
    let served = 0
    for (let i = 0; i < 400; i++) {
      world.connect()
      // A turn has its time, however little is done in it.
      for (let step = 0; step < REQUESTS_A_TURN / 10; step++) world.work()
      if (world.read().includes(0)) served++
      endTurn(world)
    }
    assert.ok(served > 100, `heard in ${served} of 400 turns`)
  })
})
