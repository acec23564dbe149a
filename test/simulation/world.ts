/**
 * A small world for scenarios that need what a cluster under test does not offer: processes that pause, syncs that fail, disks that
 * forget bits. One thread drives it, event by event, from one seed; after each event the promises of consensus are checked.
 */
import assert from 'node:assert/strict'
import { LANGUAGE } from '../../src/commands/index.ts'
import type { Language } from '../../src/commands/index.ts'
import { compareBytes, pick, randomBetween, utf8Decode } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Membership } from '../../src/raft/index.ts'
import type { AdminRequest } from '../../src/replica/index.ts'
import { forkPrng, Life, RELIABLE_NETWORK, Scheduler, SimNetwork } from '../../src/simulation/index.ts'
import type { NetworkProfile, SimDisk } from '../../src/simulation/index.ts'
import { checkLinearizable } from '../linearizability/index.ts'
import { Clients } from './clients.ts'
import type { Asked } from './clients.ts'
import { endpointOf, Machine } from './machine.ts'
import type { MachineOptions } from './machine.ts'

export interface WorldOptions {
  readonly seed: number
  readonly nodes: number
  /** How many of them are voters from the start; all when absent. */
  readonly voters?: number
  readonly retainedEntries?: number
  readonly checkpointIntervalEntries?: number
  readonly network?: Partial<NetworkProfile>
  readonly settings?: MachineOptions['settings']
  /** What node `id` can apply at first; version 1 when absent. */
  readonly language?: (id: number) => Language
  readonly faces?: MachineOptions['faces']
  readonly stores?: MachineOptions['stores']
}

const CLUSTER_ID = '0123456789abcdef0123456789abcdef'
const LIMIT_MS = 20_000
const ADMIN_PATIENCE_MS = 2000
const LOOK_INTERVAL_MS = 5

export class World {
  readonly scheduler = new Scheduler()
  readonly random: Random
  readonly network: SimNetwork
  readonly machines: readonly Machine[]
  readonly clients = new Clients(this.scheduler)
  /** Every configuration that a node acted under, as often as one was adopted. */
  readonly configurations = new Set<Membership>()
  readonly #seed: number
  readonly #leaders = new Map<number, number>()
  /** The terms of committed entries, by index, and how far each node was looked at. */
  readonly #committed = new Map<number, number>()
  readonly #checked = new Map<object, number>()
  #violation: Error | null = null

  /** Starts all machines and founds the cluster. */
  constructor(options: WorldOptions) {
    const { seed, nodes, voters = nodes, retainedEntries = 1000, checkpointIntervalEntries = 200, network } = options
    const { settings = {}, faces = () => [], stores = (_, { openStores }) => openStores } = options
    this.#seed = seed
    this.random = forkPrng(seed, 'scenario')
    this.network = new SimNetwork(this.scheduler, forkPrng(seed, 'network'), { ...RELIABLE_NETWORK, ...network })
    const ids = Array.from({ length: nodes }, (_, i) => i + 1)
    const { scheduler } = this
    const afterEvent = (machine: Machine): void => this.#check(machine)
    const violated = (words: string): void => this.#violated(words)
    const shared = {
      seed,
      scheduler,
      network: this.network,
      ids,
      retainedEntries,
      checkpointIntervalEntries,
      afterEvent,
      violated,
      settings,
      faces,
      stores,
    }
    this.machines = ids.map((id) => new Machine({ ...shared, id }))
    for (const machine of this.machines) {
      machine.language = options.language?.(machine.id) ?? LANGUAGE
      machine.start()
    }
    this.#found(ids.slice(0, voters))
  }

  node(id: number): Machine {
    const machine = this.machines[id - 1]
    assert.ok(machine !== undefined, `there is no node ${id}`)
    return machine
  }

  // --- Time ---

  run(ms: number): void {
    const until = this.scheduler.now + ms
    while (this.scheduler.step(until));
  }

  until(what: string, holds: () => boolean, withinMs = LIMIT_MS): void {
    const end = this.scheduler.now + withinMs
    while (!holds()) {
      if (this.scheduler.now >= end) assert.fail(this.#words(`not within ${withinMs} ms: ${what}`))
      this.run(LOOK_INTERVAL_MS)
    }
  }

  // --- Who leads ---

  /** The node that leads the latest term, among those that run. */
  get leader(): Machine | null {
    const leading = this.machines.filter((one) => one.running && one.process?.replica.view.role === 'leader')
    const term = (one: Machine): number => one.process?.replica.view.term ?? 0
    return leading.toSorted((a, b) => term(b) - term(a))[0] ?? null
  }

  /** Waits for a leader among these nodes. */
  leaderAmong(machines: readonly Machine[]): Machine {
    this.until(`one of ${machines.map(({ id }) => id).join(', ')} leads`, () => machines.includes(this.leader as Machine))
    return this.leader as Machine
  }

  others(...but: readonly Machine[]): Machine[] {
    return this.machines.filter((one) => !but.includes(one))
  }

  // --- Faults ---

  /** Nodes of different groups do not hear each other any more. */
  partition(...groups: readonly (readonly Machine[])[]): void {
    for (const a of groups.flat()) {
      const own = groups.find((group) => group.includes(a))
      for (const b of groups.flat()) if (own?.includes(b) === false) this.network.cut(endpointOf(a.id), endpointOf(b.id))
    }
  }

  /** Flips so many bits of what the disk of a machine that is down has: where something is written, in any file. */
  flipBits(disk: SimDisk, count: number): void {
    const mounted = disk.mount(new Life(this.scheduler, 'decay'))
    const files = mounted.list().map((name) => mounted.open(name))
    const places = files.flatMap((file) => {
      const bytes = file.readSync(0, file.size())
      return [...bytes.keys()].filter((at) => bytes[at] !== 0).map((position) => ({ file, position }))
    })
    for (let i = 0; i < count && places.length > 0; i++) {
      const { file, position } = pick(this.random, places)
      const [byte = 0] = file.readSync(position, 1)
      file.writeDurablySync(position, Uint8Array.of(byte ^ (1 << randomBetween(this.random, 0, 7))))
    }
    for (const file of files) file.close()
  }

  // --- Membership ---

  /** Asks whoever leads, again and again, until the request is done. */
  administer(request: AdminRequest): void {
    let state: 'idle' | 'asked' | 'done' = 'idle'
    this.until(`${request.op} is done`, () => {
      if (state === 'idle' && this.leader !== null) {
        state = 'asked'
        this.submit(this.leader, request, (error) => {
          state = error === undefined ? 'done' : 'idle'
        })
      }
      return state === 'done'
    })
  }

  submit(machine: Machine, request: AdminRequest, reply: (error: Error | undefined) => void): void {
    machine.ask(({ replica }, now) => replica.administer(request, now + ADMIN_PATIENCE_MS, (error) => reply(error)))
  }

  changeVoters(members: readonly number[]): void {
    this.administer({ op: 'change-membership', members, learners: null })
  }

  // --- Demands ---

  /** All paths work, nobody pauses, and everybody runs who can; then they agree, and no client was told what is not true. */
  settle(): void {
    this.network.healAll()
    this.network.profile = RELIABLE_NETWORK
    for (const machine of this.machines) {
      if (machine.failure !== null && machine.process !== null) machine.crash('killed')
      if (machine.process === null && machine.refusal === null) machine.start()
      machine.resume()
    }
    // Whatever is still asked is answered, or given up, by then.
    this.run(2 * ADMIN_PATIENCE_MS)
    this.converge()
    this.readEverything()
    this.assertLinearizable()
    this.assertSameContents()
  }

  /** Waits until all members that run have applied the same, under one leader. */
  converge(): void {
    this.until('all nodes agree', () => {
      const members = this.members()
      const applied = new Set(members.map((one) => one.process?.replica.view.appliedIndex))
      return this.leader !== null && members.length > 0 && applied.size === 1
    })
  }

  /** Those that run and are members, as the leader sees it. */
  members(): Machine[] {
    const members = this.leader?.process?.replica.view.membership.members ?? []
    return this.machines.filter((one) => one.running && one.process !== null && members.some(({ id }) => id === one.id))
  }

  /** Every member reads every key: for the history, and so that each is known to serve. */
  readEverything(): void {
    const reads = this.members().flatMap((one) => this.clients.keys.map((key) => this.clients.read(one, key)))
    this.until('all reads are answered', () => reads.every(({ end }) => end !== null))
    for (const read of reads) assert.equal(read.outcome, 'ok', this.#words(`a read at node ${read.node}: ${read.error?.message}`))
  }

  assertLinearizable(): void {
    const verdict = checkLinearizable(this.clients.history())
    assert.ok(verdict.ok, this.#words(verdict.ok ? '' : verdict.report))
  }

  assertSameContents(): void {
    const [first, ...rest] = this.members()
    assert.ok(first !== undefined, this.#words('nobody is left'))
    const expected = contentsOf(first)
    for (const one of rest) {
      assert.deepEqual(contentsOf(one), expected, this.#words(`node ${one.id} holds something else than node ${first.id}`))
    }
  }

  /** Writes go through: within the time, one is acknowledged. */
  assertProgress(key: string): void {
    let asked: Asked | null = null
    this.until(`a write of ${key} is acknowledged`, () => {
      const leader = this.leader
      if (leader !== null && (asked === null || asked.outcome === 'failed')) asked = this.clients.write(leader, key)
      return asked?.outcome === 'ok'
    })
  }

  #found(ids: readonly number[]): void {
    const [first] = this.machines as [Machine]
    this.until('all nodes are open', () => this.machines.every((one) => one.process !== null))
    first.ask(({ replica }, now) => {
      replica.init([1], CLUSTER_ID, { id: 1, endpointId: endpointOf(1), addresses: [] }, now + LIMIT_MS, () => undefined)
    })
    this.leaderAmong([first])
    for (const id of ids.slice(1)) this.administer({ op: 'add-learner', nodeId: id, endpointId: null })
    if (ids.length > 1) this.changeVoters(ids)
  }

  /** One leader a term, and one entry a committed index: nobody ever commits another. */
  #check(machine: Machine): void {
    if (this.#violation !== null) throw this.#violation
    const { process } = machine
    if (process === null || machine.failure !== null) return
    const { role, term, commitIndex, purgedIndex, membership } = process.replica.view
    this.configurations.add(membership)
    if (role === 'leader') {
      const leader = this.#leaders.get(term) ?? machine.id
      this.#leaders.set(term, leader)
      if (leader !== machine.id) this.#violated(`nodes ${leader} and ${machine.id} both lead term ${term}`)
    }
    const checked = Math.max(this.#checked.get(process.life) ?? 0, purgedIndex)
    for (let index = checked + 1; index <= commitIndex; index++) {
      const own = process.replica.termAt(index)
      if (own === undefined) continue
      const known = this.#committed.get(index) ?? own
      this.#committed.set(index, known)
      if (known !== own) this.#violated(`node ${machine.id} commits entry ${index} of term ${own}, others that of term ${known}`)
    }
    this.#checked.set(process.life, commitIndex)
  }

  /** Whatever is thrown amid an event a replica may catch, as it does when it is failing: it is thrown again after the event. */
  #violated(words: string): never {
    this.#violation ??= new assert.AssertionError({ message: this.#words(words) })
    throw this.#violation
  }

  #words(words: string): string {
    return `seed ${this.#seed}, at ${this.scheduler.now.toFixed(1)} ms: ${words}`
  }
}

export function contentsOf(machine: Machine): [string, string][] {
  assert.ok(machine.process !== null, `node ${machine.id} is down`)
  const all = { start: new Uint8Array(0), end: null }
  const { rows } = machine.process.state.scan(all, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  return rows
    .toSorted((a, b) => compareBytes(a.key, b.key))
    .map(({ key, value }) => [utf8Decode(key) ?? '', utf8Decode(value) ?? ''])
}
