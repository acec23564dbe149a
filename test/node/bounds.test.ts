/**
 * Whole nodes with tiny bounds and slow peers: what finds a bound full is refused in words, and however the rest ends, all of it is
 * given back. At rest everything is zero, and the full capacity is free.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { WriteCommand } from '../../src/api/index.ts'
import { ClientService } from '../../src/faces/links/index.ts'
import type { NodeService } from '../../src/node/index.ts'
import type { ServedLink } from '../../src/ports/index.ts'
import { endpointOf } from '../simulation/machine.ts'
import type { Machine } from '../simulation/machine.ts'
import { World } from '../simulation/world.ts'
import type { WorldOptions } from '../simulation/world.ts'
import { encodeEnvelope } from '../../src/commands/index.ts'
import { decodeClientAnswer, encodeClientRequest } from '../../src/wire/index.ts'
import type { ClientAnswer } from '../../src/wire/index.ts'

const SHORT_MS = 300
const LONG_MS = 5_000

function worldOf(options: Partial<WorldOptions>): { readonly world: World; readonly leader: Machine } {
  const world = new World({ seed: 1, nodes: 3, ...options })
  return { world, leader: world.leaderAmong(world.machines) }
}

function serviceOf(machine: Machine): NodeService {
  const { server } = machine
  assert.ok(server !== null)
  return server.service
}

/** What became of each: 'ok', or the code of an error and the queue that was full. Time passes until all have ended. */
async function outcomes(world: World, asked: readonly Promise<unknown>[]): Promise<string[]> {
  const all = Promise.all(
    asked.map((one) =>
      one.then(
        () => 'ok',
        (error: unknown) => {
          assert.ok(error instanceof AspenError, String(error))
          const { queue } = error.details
          return typeof queue === 'string' ? `${error.code} ${queue}` : error.code
        },
      ),
    ),
  )
  let ended = false
  const watched = all.finally(() => (ended = true))
  for (let waited = 0; !ended; waited += 5) {
    assert.ok(waited < 20_000, 'somebody is never answered')
    world.run(5)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return watched
}

function count(all: readonly string[], outcome: string): number {
  return all.filter((one) => one === outcome).length
}

const set = (key: string, size = 1): WriteCommand => ({ Set: { key, value: 'v'.repeat(size) } })

/** Everything takes so long between these that nothing is committed for a while, and nobody thinks that the other is gone. */
function slowDown(world: World, leader: Machine, factor: number): void {
  for (const other of world.others(leader)) {
    world.network.slowDown(endpointOf(leader.id), endpointOf(other.id), factor)
    world.network.slowDown(endpointOf(other.id), endpointOf(leader.id), factor)
  }
}

const ENDINGS = ['committed', 'late', 'deposed', 'restarted'] as const

for (const ending of ENDINGS) {
  test(`NodeService: writes in flight are bounded, and those that are ${ending} give their places back`, async () => {
    const { world, leader } = worldOf({ settings: { limits: { proposals: 5, proposalBytes: 10_000 } } })
    const service = serviceOf(leader)
    const ask = (size = 1): Promise<unknown>[] =>
      Array.from({ length: 9 }, async (_, i) => service.write(set(`k${i}`, size), { timeoutMs: SHORT_MS }))
    if (ending === 'committed') slowDown(world, leader, 20)
    else world.partition([leader], world.others(leader))
    const asked = ask()
    if (ending === 'restarted') leader.restartReplica()
    if (ending === 'deposed') world.leaderAmong(world.others(leader))
    const heard = await outcomes(world, asked)
    if (ending !== 'restarted') assert.equal(count(heard, 'OVERLOADED proposals'), 4, heard.join())
    assert.equal(count(heard, 'ok'), ending === 'committed' ? 5 : 0, heard.join())
    world.network.healAll()
    world.network.widenAll()
    world.converge()
    // The same again, by bytes: two fit.
    const now = world.leaderAmong(world.machines)
    assert.equal(serviceOf(leader).status().proposalsInFlight, 0)
    const again = serviceOf(now)
    for (let round = 0; round < 2; round++) {
      const large = Array.from({ length: 5 }, async (_, i) => again.write(set(`k${i}`, 4_000)))
      const became = await outcomes(world, large)
      assert.deepEqual([count(became, 'ok'), count(became, 'OVERLOADED proposals')], [2, 3], became.join())
    }
    const small = await outcomes(
      world,
      Array.from({ length: 5 }, async (_, i) => again.write(set(`k${i}`))),
    )
    assert.equal(count(small, 'ok'), 5, 'the full capacity is free')
    assert.equal(again.status().proposalsInFlight, 0)
  })
}

test('NodeService: reads that wait are bounded, and give their places back when they are late', async () => {
  const { world, leader } = worldOf({ settings: { limits: { reads: 3 } } })
  const service = serviceOf(leader)
  const ask = (): Promise<unknown>[] => Array.from({ length: 5 }, async () => service.read('k', { timeoutMs: SHORT_MS }))
  world.partition([leader], world.others(leader))
  const heard = await outcomes(world, ask())
  assert.equal(count(heard, 'OVERLOADED reads'), 2, heard.join())
  assert.equal(count(heard, 'ok'), 0)
  assert.equal(service.status().readsInFlight, 0)
  world.network.healAll()
  world.converge()
  assert.equal(count(await outcomes(world, ask()), 'ok'), 3)
  assert.equal(service.status().readsInFlight, 0)
})

test('RaftActor: its mailbox is bounded, and empty again after a turn', async () => {
  const { world, leader } = worldOf({ settings: { mailboxCapacity: 3 } })
  const service = serviceOf(leader)
  const ask = (): Promise<unknown>[] => Array.from({ length: 5 }, async () => service.read('k'))
  for (let round = 1; round <= 2; round++) {
    const heard = await outcomes(world, ask())
    assert.deepEqual([count(heard, 'ok'), count(heard, 'OVERLOADED mailbox')], [3, 2], heard.join())
    const { depth, refused } = service.status().mailbox
    assert.deepEqual([depth, refused], [0, 2 * round])
  }
})

test('NodeService: requests that wait for the leader are bounded in bytes, and give them back when they are late', async () => {
  const { world, leader } = worldOf({ settings: { limits: { forwardedBytes: 10_000 } } })
  const [follower] = world.others(leader)
  assert.ok(follower !== undefined)
  const service = serviceOf(follower)
  const ask = (): Promise<unknown>[] =>
    Array.from({ length: 5 }, async (_, i) => service.write(set(`k${i}`, 4_000), { timeoutMs: SHORT_MS }))
  for (let round = 0; round < 2; round++) {
    // The others go on without it, so it does not come to lead.
    world.partition([follower], world.others(follower))
    const heard = await outcomes(world, ask())
    assert.deepEqual([count(heard, 'OVERLOADED forwarder'), count(heard, 'ok')], [3, 0], heard.join())
    world.network.healAll()
    world.converge()
    const again = await outcomes(world, ask())
    assert.deepEqual([count(again, 'OVERLOADED forwarder'), count(again, 'ok')], [3, 2], again.join())
  }
})

test('Progress: many windows of volume go to peers under one reign, and never more at a time than may be', async () => {
  const send = { appendBytes: 2_000, inflightAppends: 3, inflightBytes: 5_000 }
  const { world, leader } = worldOf({ settings: { limits: { send, writeBytes: 3_000, applyBytes: 3_000, cacheBytes: 10_000 } } })
  const service = serviceOf(leader)
  const { term } = service.status()
  const before = leader.process?.replica.view.counters.fullWindows ?? 0
  // The core's invariants look after every input at what counts as unanswered.
  const values = [700, 2_500, 1, 4_999, 5_001, 60]
  for (let round = 0; round < 8; round++) {
    const asked = values.map(async (size, i) => service.write(set(`k${i}`, size), { timeoutMs: LONG_MS }))
    assert.equal(count(await outcomes(world, asked), 'ok'), values.length)
  }
  assert.ok((leader.process?.replica.view.counters.fullWindows ?? 0) > before, 'no window was ever full')
  assert.deepEqual([service.status().term, service.status().leader], [term, leader.id], 'it is the same reign')
  world.converge()
})

test('NodeService: those who wait for a snapshot are bounded, and share the next one', async () => {
  const { world, leader } = worldOf({ settings: { limits: { snapshotRequests: 2 } } })
  const service = serviceOf(leader)
  await outcomes(world, [service.write(set('k'))])
  for (let round = 0; round < 2; round++) {
    const heard = await outcomes(
      world,
      Array.from({ length: 5 }, async () => service.triggerSnapshot()),
    )
    assert.deepEqual([count(heard, 'ok'), count(heard, 'OVERLOADED snapshots')], [3, 2], heard.join())
  }
})

test('NodeService: a full peer book says so, and its members are dialled all the same', async () => {
  const { world, leader } = worldOf({ settings: { maxPeers: 2 } })
  const service = serviceOf(leader)
  const stranger = { endpointId: 'c'.repeat(64), nodeId: 9, addresses: ['h:1'] }
  assert.deepEqual(await outcomes(world, [service.addPeer(stranger)]), ['QUOTA_EXCEEDED'])
  const known = service.status().peers.map(({ nodeId }) => nodeId)
  assert.deepEqual(new Set(known), new Set([2, 3]))
  world.settle()
})

/** A client that reads its answers when a test wants it to. */
class SlowClient implements ServedLink {
  readonly endpointId: string
  readonly answers: ClientAnswer[] = []
  backlogBytes = 0
  reads = true
  abandoned: Error | null = null
  readonly #service: ClientService
  #id = 0

  constructor(service: ClientService, digit: string) {
    this.endpointId = digit.repeat(64)
    this.#service = service
    service.opened(this)
  }

  /** The size of the request in bytes. */
  write(size: number, timeoutMs = LONG_MS): number {
    const command = { type: 'batch', operations: [{ type: 'set', key: Uint8Array.of(1), value: new Uint8Array(size) }] } as const
    const envelope = encodeEnvelope({ origin: null, command })
    return this.#say({ type: 'write', id: ++this.#id, timeoutMs, envelope })
  }

  read(): number {
    return this.#say({ type: 'read', id: ++this.#id, timeoutMs: LONG_MS, key: Uint8Array.of(1) })
  }

  end(): void {
    this.#service.ended(this)
  }

  send(parts: readonly Uint8Array[]): boolean {
    const bytes = Buffer.concat(parts)
    if (!this.reads) this.backlogBytes += bytes.length
    this.answers.push(decodeClientAnswer(bytes))
    return true
  }

  finish(): void {}

  abandon(error: Error): void {
    this.abandoned = error
  }

  /** By kind, the code of an error. */
  get heard(): string[] {
    return this.answers.map((answer) => (answer.type === 'error' ? answer.code : answer.type)).toSorted()
  }

  #say(request: Parameters<typeof encodeClientRequest>[0]): number {
    const bytes = Buffer.concat(encodeClientRequest(request))
    this.#service.message(this, bytes)
    return bytes.length
  }
}

/** A leader that serves clients within these bounds. */
function served(limits: ConstructorParameters<typeof ClientService>[0]['limits']): {
  readonly world: World
  readonly leader: Machine
  readonly service: ClientService
} {
  const services: ClientService[] = []
  const { world, leader } = worldOf({
    faces: ({ clock }) => {
      const service = new ClientService({ clock, limits: limits ?? {} })
      services.push(service)
      return [service]
    },
  })
  return { world, leader, service: services[leader.id - 1] as ClientService }
}

async function pass(world: World, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5) {
    world.run(5)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

for (const ending of ['committed', 'late', 'client gone'] as const) {
  test(`ClientService: the requests of all clients are bounded in bytes, and given back: ${ending}`, async () => {
    const { world, leader, service } = served({ requestBytes: 5_000 })
    const clients = ['a', 'b'].map((digit) => new SlowClient(service, digit))
    if (ending === 'committed') slowDown(world, leader, 20)
    else world.partition([leader], world.others(leader))
    for (const client of [...clients, ...clients]) client.write(2_000, SHORT_MS)
    // Two find no room. The others wait.
    assert.deepEqual(
      clients.map(({ heard }) => heard),
      [['OVERLOADED'], ['OVERLOADED']],
    )
    if (ending === 'client gone') for (const client of clients) client.end()
    await pass(world, 2 * SHORT_MS)
    const outcome = {
      committed: ['OVERLOADED', 'written'],
      late: ['OUTCOME_UNKNOWN', 'OVERLOADED'],
      'client gone': ['OVERLOADED'],
    }
    for (const { heard } of clients) assert.deepEqual(heard, outcome[ending])
    world.network.healAll()
    world.network.widenAll()
    await pass(world, 1_000)
    world.converge()
    // At rest: exactly as much fits as at first.
    const next = new SlowClient(service, 'c')
    for (let i = 0; i < 3; i++) next.write(2_000)
    await pass(world, SHORT_MS)
    assert.deepEqual(next.heard, ['OVERLOADED', 'written', 'written'])
  })
}

test('ClientService: answers that a client does not read are bounded, and room for them comes with reading', async () => {
  const { world, service } = served({ unnoticedBytes: 100, linkAnswerBytes: 3_000, answerBytes: 5_000 })
  const [slow, other] = [new SlowClient(service, 'a'), new SlowClient(service, 'b')] as const
  slow.write(1_500)
  await pass(world, SHORT_MS)
  slow.reads = false
  for (let i = 0; i < 4; i++) slow.read()
  await pass(world, SHORT_MS)
  assert.deepEqual(slow.heard, ['OVERLOADED', 'OVERLOADED', 'OVERLOADED', 'found', 'written'])
  other.reads = false
  for (let i = 0; i < 3; i++) other.read()
  await pass(world, SHORT_MS)
  assert.equal(count(other.heard, 'found'), 1, 'another client has a share of its own')
  slow.backlogBytes = 0
  slow.reads = true
  slow.read()
  await pass(world, SHORT_MS)
  assert.equal(count(slow.heard, 'found'), 2)
  assert.equal(slow.abandoned, null)
})
