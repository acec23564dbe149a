/** Actors in simulated threads that die, pools that are stopped, callers that give up: whatever comes in which order, nobody is left without an answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorError, ActorSystem, defineActor, InlineThreads, inThread, Later, Refusal } from '../../../src/actor/index.ts'
import type { ActorContext, ActorDefinition, ActorRef, Restart, ThreadPool } from '../../../src/actor/index.ts'
import { chance, pick, Prng, randomBetween } from '../../../src/lib/index.ts'
import { ManualClock } from '../../manual-clock.ts'
import { volume } from '../../volume.ts'

const SEEDS = volume(2_000, 60)
const STEPS = 80
const CALL_MS = 3_000
const SHUTDOWN_MS = 400
const CAPACITY = 4
const TICK_MS = 250
/** How long a handler, or a start, may take. */
const WORK_MS = 1_200
/** Long enough for all that waits to be handled. */
const QUIET_MS = (CAPACITY + 2) * WORK_MS
const MODULE = new URL('file:///no-file/random.ts')

interface Worker {
  /** Does something: how it ends is drawn. */
  act(number: number): unknown
}

type Definition = ActorDefinition<Worker, number>

/** What a seed does to actors in threads, and what must hold meanwhile. */
class Town {
  readonly clock = new ManualClock()
  readonly violations: string[] = []
  readonly #random: Prng
  readonly #threads: InlineThreads
  readonly #system: ActorSystem
  readonly #pools: ThreadPool[] = []
  readonly #refs: ActorRef<Worker>[] = []
  /** Where each lives. */
  readonly #homes = new Map<string, ThreadPool | 'own'>()
  /** Those that are permanent, and that nobody has ended. */
  readonly #permanent = new Set<ActorRef<Worker>>()
  readonly #open = new Set<number>()
  /** When each was seen to live. */
  readonly #ticks = new Map<string, number>()
  /** The life of each actor that began last. */
  readonly #latest = new Map<string, object>()
  #calls = 0
  outcomes = new Map<string, number>()

  constructor(seed: number) {
    this.#random = new Prng(seed)
    const worker = this.#definition()
    this.#threads = new InlineThreads(() => ({ worker }))
    this.#system = new ActorSystem({
      clock: this.clock,
      random: new Prng(seed),
      threads: this.#threads,
      supervision: { restarts: { circuitOpenMs: 5_000, maxRestarts: 3, windowMs: 60_000, stabilityMs: 20_000 } },
    })
  }

  #check(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise)
  }

  #definition(): Definition {
    return defineActor<Worker, number>({
      start: (context, argument) => {
        this.#check(argument === 7, 'an argument that is another one')
        const life = {}
        this.#latest.set(context.path, life)
        if (chance(this.#random, 0.1)) throw new Error('no start')
        const acts = (): void => this.#acts(context.path, life)
        if (!chance(this.#random, 0.2)) return this.#live(context, acts)
        return this.#wait(context).then(() => this.#live(context, acts))
      },
      stop: () => {
        if (chance(this.#random, 0.1)) throw new Error('no end')
        return chance(this.#random, 0.1) ? new Promise<void>(() => undefined) : undefined
      },
    })
  }

  /** A life does something: it is the one that there is. */
  #acts(path: string, life: object): void {
    const actor = this.#system.snapshot().find((one) => one.path === path)
    this.#check(this.#latest.get(path) === life && actor !== undefined && actor.phase !== 'down', `a former life of ${path} acts`)
  }

  #wait(context: ActorContext): Promise<void> {
    return context.sleep(randomBetween(this.#random, 1, WORK_MS))
  }

  #live(context: ActorContext, acts: () => void): Worker {
    this.#tick(context, acts)
    const { path } = context
    let busy = false
    return {
      act: (number) => {
        acts()
        this.#check(!busy, `${path} handles two messages at a time`)
        return this.#act(context, number, (now) => (busy = now))
      },
    }
  }

  /** It lives, and does not hide it. */
  #tick(context: ActorContext, acts: () => void): void {
    this.#ticks.set(context.path, this.clock.now())
    context.after(TICK_MS, () => {
      acts()
      this.#tick(context, acts)
    })
  }

  #act(context: ActorContext, number: number, busy: (now: boolean) => void): unknown {
    const random = this.#random
    switch (randomBetween(random, 0, 10)) {
      case 0:
        throw new Error('crash')
      case 1:
        throw new Refusal('no')
      case 2:
        context.stop()
        return number
      case 3:
        return new Later()
      case 4: {
        const later = new Later<number>()
        context.after(randomBetween(random, 1, 500), () => later.answer(number))
        return later
      }
      case 5:
      case 10:
        busy(true)
        return this.#wait(context).then(() => {
          busy(false)
          if (chance(random, 0.2)) throw new Error('late crash')
          return number
        })
      case 6:
        context.after(randomBetween(random, 1, 500), () => {
          throw new Error('crash between messages')
        })
        return number
      case 7:
        return () => number
      default:
        return number
    }
  }

  async rest(): Promise<void> {
    for (let turn = 0; turn < 12; turn++) {
      this.clock.settle()
      await Promise.resolve()
    }
  }

  #spawn(): void {
    const random = this.#random
    const pool = this.#pools.length > 0 && chance(random, 0.6) ? pick(random, this.#pools) : undefined
    if (pool?.isClosed === true) return
    const definition = inThread<Definition>(MODULE, 'worker')
    const restart = pick<Restart>(random, ['permanent', 'permanent', 'transient', 'temporary'])
    const thread: ThreadPool | 'own' = pool ?? 'own'
    const options = { argument: 7, restart, thread, mailboxCapacity: CAPACITY, shutdownMs: SHUTDOWN_MS }
    const ref = this.#system.spawn(definition, options)
    this.#refs.push(ref)
    this.#homes.set(ref.path, thread)
    if (restart === 'permanent') this.#permanent.add(ref)
  }

  #call(ref: ActorRef<Worker>): void {
    const id = this.#calls++
    this.#open.add(id)
    const settle = (outcome: string): void => {
      this.#check(this.#open.delete(id), `call ${id} is settled twice`)
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    }
    ref.call('act', id, { timeoutMs: CALL_MS }).then(
      (answer) => {
        this.#check(answer === id, `call ${id} has the answer of another`)
        settle('answered')
      },
      (error: unknown) => {
        if (error instanceof ActorError) settle(`${error.code} ${error.begun}`)
        else settle(error instanceof Refusal ? 'refused' : (error as Error).name)
      },
    )
  }

  #end(ref: ActorRef<Worker>): void {
    this.#permanent.delete(ref)
    ref.stop().catch((error: Error) => this.violations.push(error.message))
  }

  step(): void {
    const random = this.#random
    const action = randomBetween(random, 0, 99)
    if (action < 10 && this.#refs.length < 12) this.#spawn()
    else if (action < 13 && this.#pools.length < 3)
      this.#pools.push(this.#system.threadPool({ size: randomBetween(random, 1, 3) }))
    else if (this.#refs.length === 0) return
    else if (action < 65) this.#call(pick(random, this.#refs))
    else if (action < 75) pick(random, this.#refs).trySend('act', -1)
    else if (action < 83) this.#threads.running.at(randomBetween(random, -3, 3))?.crash(new Error('the thread died'))
    else if (action < 86) this.#pools[0]?.stop().catch((error: Error) => this.violations.push(error.message))
    else if (action < 90) this.#end(pick(random, this.#refs))
    else if (action < 94)
      pick(random, this.#refs)
        .restart()
        .catch(() => undefined)
    else this.clock.advance(randomBetween(random, 1, 2_000))
    this.check()
  }

  /** Its pool has been stopped. */
  #isEvicted(path: string): boolean {
    const home = this.#homes.get(path)
    return home !== undefined && home !== 'own' && home.isClosed
  }

  check(): void {
    const all = this.#system.snapshot()
    for (const { path, depth } of all) this.#check(depth <= CAPACITY, `${depth} messages wait for ${path}`)
    for (const { path } of this.#permanent)
      this.#check(this.#isEvicted(path) || all.some((one) => one.path === path), `${path} is permanent, and gone`)
    const load = this.#pools.reduce((sum, pool) => sum + pool.load, 0)
    this.#check(load <= all.length, `${load} lives in pools, of ${all.length} actors`)
    for (const pool of this.#pools) this.#check(pool.threads <= pool.size, `${pool.threads} threads in a pool of ${pool.size}`)
  }

  /** Nothing comes from outside: what looks alive lives, and what waits is handled. */
  async calm(): Promise<void> {
    for (let passed = 0; passed < QUIET_MS; passed += TICK_MS) {
      await this.rest()
      this.clock.advance(TICK_MS)
    }
    await this.rest()
    this.check()
    const now = this.clock.now()
    for (const { path, phase, depth, uptimeMs } of this.#system.snapshot()) {
      this.#check(!this.#isEvicted(path), `${path} is there, and its pool is not`)
      if (phase === 'starting') this.#check((uptimeMs ?? 0) <= 2 * WORK_MS, `${path} has been starting for ${uptimeMs} ms`)
      if (phase !== 'running' || (uptimeMs ?? 0) < QUIET_MS / 2) continue
      const silentMs = now - (this.#ticks.get(path) ?? 0)
      this.#check(silentMs <= 2 * TICK_MS, `${path} looks alive, and has not been seen to live for ${silentMs} ms`)
      if (uptimeMs !== null && uptimeMs >= QUIET_MS) this.#check(depth === 0, `${depth} messages wait for ${path}`)
    }
  }

  /** Everything ends; what is left then? */
  async end(): Promise<void> {
    let ended = false
    this.#system.end(() => (ended = true))
    for (let passed = 0; passed < 60 && !ended; passed++) {
      await this.rest()
      this.clock.advance(SHUTDOWN_MS)
    }
    await this.rest()
    this.#check(ended, 'the system does not end')
    this.#check(this.#system.snapshot().length === 0, 'an actor outlives its system')
    this.#check(this.#threads.running.length === 0, `${this.#threads.running.length} threads outlive their system`)
    this.clock.advance(CALL_MS)
    await this.rest()
    this.#check(this.#open.size === 0, `${this.#open.size} callers have no answer`)
  }
}

test('actors in threads: nobody is left without an answer, no thread outlives its system, whatever dies when', async () => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const town = new Town(seed)
    for (let step = 0; step < STEPS; step++) {
      town.step()
      if (step % 3 === 0) await town.rest()
    }
    await town.calm()
    await town.end()
    assert.deepEqual(town.violations, [], `seed ${seed}`)
    for (const outcome of town.outcomes.keys()) outcomes.add(outcome)
  }
  const all = ['answered', 'refused', 'UNSENDABLE true', 'CRASHED true', 'DOWN false', 'OVERLOADED false']
  assert.deepEqual(
    [...all, 'DEADLINE_EXCEEDED true', 'DEADLINE_EXCEEDED false'].filter((outcome) => !outcomes.has(outcome)),
    [],
    'outcomes that no seed had',
  )
})
