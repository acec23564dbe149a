/** Systems of actors on simulated nodes whose links break and whose processes die, and what must hold of their messages all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorError, ActorSystem, defineActor, Later } from '../../src/actor/index.ts'
import { chance, pick, Prng, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Clock } from '../../src/ports/index.ts'
import { Life, RELIABLE_NETWORK, Scheduler, SimNetwork } from '../../src/simulation/index.ts'
import { volume } from '../volume.ts'
import { keyOf } from './remote-world.ts'

const SEEDS = volume(1_000, 30)
const STEPS = 120
const NODES = [1, 2, 3]
/** On its way, and in turns, beside its deadline. */
const SLACK_MS = 10
/** Longer than any call waits, and than any link takes to be made again. */
const HEALING_MS = 8_000
const CREDIT = 1_000

/** What a message says of itself. */
interface Letter {
  /** Its sender: a life of a node. */
  readonly from: string
  /** Ascends for each sender and receiver. */
  readonly sequence: number
  readonly slowMs: number
  /** When it is not to be begun any more; null for none. */
  readonly until: number | null
}

class Worker {
  readonly #clock: Clock
  readonly #begun: (letter: Letter) => void
  constructor(clock: Clock, begun: (letter: Letter) => void) {
    this.#clock = clock
    this.#begun = begun
  }
  /** The next message waits for it. */
  async work(letter: Letter): Promise<number> {
    this.#begun(letter)
    if (letter.slowMs > 0) await this.#rest(letter.slowMs)
    return letter.sequence
  }
  /** The next one does not. */
  defer(letter: Letter): Later<number> {
    this.#begun(letter)
    return new Later<number>().follow(this.#rest(letter.slowMs).then(() => letter.sequence))
  }
  fill(): void {}
  crash(): never {
    throw new Error('as it was told')
  }
  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(ms, resolve))
  }
}

interface Call {
  readonly key: string
  readonly from: Life
  settled: boolean
  /** What the caller was told: that it was not begun, or its answer. */
  outcome: 'not begun' | 'answered' | 'unknown'
}

class Node {
  readonly id: number
  readonly life: Life
  readonly system: ActorSystem
  readonly name: string
  readonly memberships = new Set<string>()
  /** The last word on each other node. */
  readonly lives = new Map<string, 'up' | 'down'>()
  readonly sequences = new Map<number, number>()

  constructor(id: number, life: Life, name: string, random: Random) {
    this.id = id
    this.life = life
    this.name = name
    this.system = new ActorSystem({ clock: life.clock, random, supervision: { restarts: { maxRestarts: 1_000 } } })
  }
}

class World {
  readonly violations: string[] = []
  answered = 0
  readonly #random: Prng
  readonly #scheduler = new Scheduler()
  readonly #network: SimNetwork
  readonly #nodes = new Map<number, Node>()
  readonly #calls: Call[] = []
  /** How often each letter was begun, and the last of each sender and receiver. */
  readonly #begun = new Map<string, number>()
  readonly #last = new Map<string, number>()
  #starts = 0

  constructor(seed: number) {
    this.#random = new Prng(seed)
    this.#network = new SimNetwork(this.#scheduler, new Prng(seed + 1), RELIABLE_NETWORK)
    for (const id of NODES) this.#start(id)
  }

  #start(id: number): void {
    const name = `${id}.${++this.#starts}`
    const life = new Life(this.#scheduler, name)
    const node = new Node(id, life, name, new Prng(this.#starts))
    const transport = this.#network.attach(keyOf(id), life)
    node.system.connect({
      links: transport,
      nodeId: id,
      endpointOf: keyOf,
      nodeOf: (endpointId) => NODES.find((other) => keyOf(other) === endpointId) ?? null,
    })
    for (const other of NODES) if (other !== id) transport.connect({ endpointId: keyOf(other), addresses: [], relay: null })
    transport.start({ nodeId: id, clusterId: 'c', addresses: [], languageVersion: 1 }).catch((error: unknown) => {
      this.violations.push(String(error))
    })
    const definition = defineActor<Worker>({ start: () => new Worker(life.clock, (letter) => this.#note(id, letter)) })
    node.system.spawn(definition, { registerAs: 'worker', mailboxCapacity: 5 })
    const others = new Map(
      NODES.filter((other) => other !== id).map((other) => [String(other), node.system.remote<Worker>(other, 'worker')]),
    )
    const told = (other: string, type: 'up' | 'down'): void => {
      if ((node.lives.get(other) ?? 'up') === type) this.violations.push(`${name} hears twice that ${other} is ${type}`)
      node.lives.set(other, type)
    }
    // It hears of the lives of all others.
    const watcher = defineActor({
      start: (context) => {
        for (const [other, target] of others) context.monitor(target, ({ type }) => told(other, type))
        return {}
      },
    })
    node.system.spawn(watcher)
    this.#nodes.set(id, node)
  }

  #note(receiver: number, { from, sequence, until }: Letter): void {
    const key = `${from} to ${receiver}: ${sequence}`
    const lane = `${from} to ${receiver}`
    const count = (this.#begun.get(key) ?? 0) + 1
    this.#begun.set(key, count)
    if (count > 1) this.violations.push(`${key} is begun ${count} times`)
    if (sequence < (this.#last.get(lane) ?? 0)) this.violations.push(`${key} comes behind ${this.#last.get(lane)}`)
    this.#last.set(lane, sequence)
    if (until !== null && this.#scheduler.now > until + SLACK_MS) this.violations.push(`${key} is begun after its deadline`)
  }

  // --- What happens ---

  async run(): Promise<void> {
    await this.#pass(200)
    for (let step = 0; step < STEPS; step++) {
      this.#act()
      if (chance(this.#random, 0.5)) await this.#pass(randomBetween(this.#random, 1, 100))
    }
    this.#network.healAll()
    await this.#pass(HEALING_MS)
    this.#judge()
    await this.#judgeCredit()
  }

  #act(): void {
    const deed = randomBetween(this.#random, 0, 99)
    const [from, to] = [this.#any(), this.#any()]
    const [a, b] = [keyOf(from.id), keyOf(to.id)]
    if (deed < 65) for (let left = randomBetween(this.#random, 1, 12); left > 0; left--) this.#write(from, to.id)
    else if (deed < 72) this.#network.breakLinks(a, b)
    else if (deed < 75) this.#network.breakLinksAt(a, b)
    else if (deed < 80 && a !== b) this.#network.cut(a, b)
    else if (deed < 86) this.#network.healAll()
    else if (deed < 89) this.#restart(from.id)
    else if (deed < 93) from.system.remote<Worker>(from.id, 'worker').trySend('crash')
    else this.#regroup(from)
  }

  #any(): Node {
    return this.#nodes.get(pick(this.#random, NODES)) as Node
  }

  #write(from: Node, to: number): void {
    const random = this.#random
    const sequence = (from.sequences.get(to) ?? 0) + 1
    from.sequences.set(to, sequence)
    const slowMs = chance(random, 0.3) ? randomBetween(random, 1, 200) : 0
    const timeoutMs = randomBetween(random, 1, 1_500)
    const letter = { from: from.name, sequence, slowMs, until: null }
    const remote = from.system.remote<Worker>(to, 'worker')
    const how = randomBetween(random, 0, 9)
    if (how < 2) remote.trySend('work', letter)
    else if (how < 4) remote.send('work', letter, { timeoutMs }).catch(() => undefined)
    else this.#call(from, to, { ...letter, until: this.#scheduler.now + timeoutMs }, timeoutMs)
  }

  #call(from: Node, to: number, letter: Letter, timeoutMs: number): void {
    const message = chance(this.#random, 0.5) ? 'work' : 'defer'
    const call: Call = { key: `${letter.from} to ${to}: ${letter.sequence}`, from: from.life, settled: false, outcome: 'unknown' }
    this.#calls.push(call)
    from.system
      .remote<Worker>(to, 'worker')
      .call(message, letter, { timeoutMs })
      .then(
        (answer) => {
          Object.assign(call, { settled: true, outcome: 'answered' })
          if (answer !== letter.sequence) this.violations.push(`${call.key} is answered ${answer}`)
        },
        (error: unknown) => {
          if (!(error instanceof ActorError)) this.violations.push(`${call.key}: ${String(error)}`)
          Object.assign(call, { settled: true, outcome: error instanceof ActorError && !error.begun ? 'not begun' : 'unknown' })
        },
      )
  }

  #restart(id: number): void {
    this.#nodes.get(id)?.life.end()
    this.#network.crashed(keyOf(id), 'killed')
    this.#start(id)
  }

  #regroup({ system, memberships }: Node): void {
    const group = pick(this.#random, ['red', 'blue'])
    if (memberships.delete(group)) return system.groups.leave(group, 'worker')
    if (system.named('worker') === undefined) return
    memberships.add(group)
    system.groups.join(group, 'worker')
  }

  /** Virtual time passes, and promises behind each event. */
  async #pass(ms: number): Promise<void> {
    const until = this.#scheduler.now + ms
    while (this.#scheduler.step(until)) for (let i = 0; i < 6; i++) await Promise.resolve()
  }

  // --- What must hold when all is well again ---

  #judge(): void {
    for (const { key, from, settled, outcome } of this.#calls) {
      const begun = this.#begun.get(key) ?? 0
      if (!settled && from.alive) this.violations.push(`${key} is never settled`)
      if (outcome === 'not begun' && begun > 0) this.violations.push(`${key} was begun, and its caller was told that it was not`)
      if (outcome === 'answered') {
        this.answered++
        if (begun === 0) this.violations.push(`${key} is answered, and was never begun`)
      }
    }
    const groups = (node: Node): string =>
      ['red', 'blue']
        .map((group) =>
          node.system.groups
            .members(group)
            .map((member) => member.node ?? node.id)
            .toSorted((x, y) => x - y)
            .join(),
        )
        .join('; ')
    const expected = ['red', 'blue']
      .map((group) => NODES.filter((id) => this.#nodes.get(id)?.memberships.has(group)).join())
      .join('; ')
    for (const node of this.#nodes.values()) {
      for (const [other, type] of node.lives) {
        const isUp = this.#nodes.get(Number(other))?.system.snapshot()[0]?.phase === 'running'
        if (isUp !== (type === 'up')) this.violations.push(`${node.name} takes ${other} for ${type}, and it is not`)
      }
      if (groups(node) !== expected) this.violations.push(`${node.name} sees ${groups(node)}, there are ${expected}`)
    }
  }

  /** All credit is back: exactly as many messages may leave as at the beginning. */
  async #judgeCredit(): Promise<void> {
    const from = this.#any()
    const to = pick(
      this.#random,
      NODES.filter((id) => id !== from.id),
    )
    const remote = from.system.remote<Worker>(to, 'worker')
    let sent = 0
    while (sent <= CREDIT && remote.trySend('fill')) sent++
    if (sent !== CREDIT) this.violations.push(`${from.name} has credit for ${sent} messages to ${to}`)
    await this.#pass(50)
    if (!remote.trySend('fill')) this.violations.push(`${from.name} gets no credit back from ${to}`)
  }
}

test('remote actors: whatever breaks, messages are begun at most once, in order and in time, calls are settled truly, and all is known again at the end', async () => {
  let answered = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World(seed)
    await world.run()
    assert.deepEqual(world.violations.slice(0, 5), [], `seed ${seed}`)
    answered += world.answered
  }
  assert.ok(answered > 20 * SEEDS, `only ${answered} calls were answered`)
})
