import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActorError, defineActor, Later, Refusal } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef, ActorSnapshot, LifeEvent, Restart, Strategy } from '../../src/actor/index.ts'
import { chance, pick, Prng, randomBetween } from '../../src/lib/index.ts'
import { volume } from '../volume.ts'
import { Stage, watch } from './stage.ts'

const SEEDS = volume(2_000, 200)
const STEPS = 60
const MAX_ACTORS = 40
const CALL_MS = 3_000
const SHUTDOWN_MS = 500
/** Longer than a pause or an open circuit, and what those take that are restarted together. */
const CALM_MS = 20_000
const CALM_STEP_MS = 500
/** Of lives that do not end by themselves, one below the other. */
const DEPTH = 4

const DEEDS = [
  'echo',
  'echo',
  'crash',
  'refuse',
  'leave',
  'leave',
  'end',
  'spawn',
  'spawn',
  'timer',
  'later',
  'wait',
  'hang',
  'monitor',
  'monitor',
  'link',
]

/** What a life was seen to do. */
interface Seen {
  readonly parent: Seen | null
  readonly children: Set<Seen>
  alive: boolean
  /** A handler is at work, with a promise perhaps. */
  busy: boolean
}

/** An actor, and what was wanted of it. */
interface Planted {
  readonly ref: ActorRef<Node>
  readonly restart: Restart
  /** Of the life that has started it; null: the system has. */
  readonly parent: ActorContext | null
  /** Somebody has asked for its end for good. */
  isUnwanted: boolean
}

interface Node {
  /** Does something: how it ends is drawn. */
  act(how: string): unknown
}

/** A tree of actors that do what chance has them do, and what must hold of them meanwhile. */
class Forest {
  readonly stage = new Stage({ restarts: { circuitOpenMs: 5_000, maxRestarts: 3, windowMs: 60_000, stabilityMs: 20_000 } })
  readonly refs: ActorRef<Node>[] = []
  readonly planted: Planted[] = []
  readonly open = new Set<number>()
  /** Restarts by hand, that have no deadline. */
  readonly restarts = new Set<number>()
  readonly seen = new Set<Seen>()
  readonly #random: Prng
  /** Not thrown where it is seen: a handler that throws is restarted. */
  readonly violations: string[] = []
  calls = 0
  actors = 0

  constructor(seed: number) {
    this.#random = new Prng(seed)
  }

  spawn(context: ActorContext | null, parent: Seen | null, depth: number): void {
    if (++this.actors > MAX_ACTORS) return
    const random = this.#random
    const definition = defineActor<Node>({
      start: (own) => {
        if (chance(random, 0.1)) throw new Error('no start')
        const life: Seen = { parent, children: new Set(), alive: true, busy: false }
        const handlers = this.#handlers(own, life, depth, () => (planted.isUnwanted = true))
        const alive = (): Node => {
          this.#begins(life)
          lives.set(handlers, life)
          return handlers
        }
        if (!chance(random, 0.2)) return alive()
        // Never, when its life ends before: there would be one too many to see.
        return own.sleep(randomBetween(random, 1, 800)).then(alive)
      },
      stop: (handlers) => {
        this.#ends(lives.get(handlers) as Seen)
        if (chance(random, 0.1)) throw new Error('no end')
        return chance(random, 0.3) ? this.#after(randomBetween(random, 1, 800)) : undefined
      },
    })
    const options = {
      restart: pick<Restart>(random, ['permanent', 'permanent', 'transient', 'temporary']),
      mailboxCapacity: randomBetween(random, 1, 5),
      shutdownMs: SHUTDOWN_MS,
      supervision: {
        strategy: pick<Strategy>(random, ['one-for-one', 'one-for-all', 'rest-for-one']),
        restarts: { circuitOpenMs: chance(random, 0.3) ? null : 5_000 },
      },
    }
    const ref = context === null ? this.stage.system.spawn(definition, options) : context.spawn(definition, options)
    const planted: Planted = { ref, restart: options.restart, parent: context, isUnwanted: false }
    this.refs.push(ref)
    this.planted.push(planted)
  }

  /** Those that are permanent, whose end for good nobody has asked for, and whose parent lives: whatever they do themselves, they are there. */
  checkPermanent(): void {
    const phases = this.phases()
    for (const planted of this.planted)
      if (this.isDue(planted, phases)) this.#check(phases.has(planted.ref.path), `${planted.ref.path} is permanent, and gone`)
  }

  isDue({ restart, isUnwanted, parent }: Planted, phases: ReadonlyMap<string, string>): boolean {
    if (restart !== 'permanent' || isUnwanted) return false
    return parent === null || (!parent.signal.aborted && phases.get(parent.path) === 'running')
  }

  /** Of all there are, by their paths. */
  phases(): Map<string, ActorSnapshot['phase']> {
    const phases = new Map<string, ActorSnapshot['phase']>()
    const note = ({ path, phase, children }: ActorSnapshot): void => {
      phases.set(path, phase)
      for (const child of children) note(child)
    }
    for (const one of this.stage.system.snapshot()) note(one)
    return phases
  }

  /** Nothing comes from outside: those that are permanent are started again in this time, if they were down. */
  async calm(): Promise<void> {
    const alive = new Set<string>()
    for (let passed = 0; passed < CALM_MS; passed += CALM_STEP_MS) {
      await this.stage.pass(CALM_STEP_MS)
      for (const [path, phase] of this.phases()) if (phase !== 'down') alive.add(path)
      this.checkPermanent()
    }
    const phases = this.phases()
    for (const planted of this.planted)
      if (this.isDue(planted, phases))
        this.#check(alive.has(planted.ref.path), `${planted.ref.path} is permanent, and down for ever`)
  }

  #check(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise)
  }

  #begins(life: Seen): void {
    this.seen.add(life)
    life.parent?.children.add(life)
  }

  #ends(life: Seen): void {
    this.#check(life.alive, 'a life ends twice')
    life.alive = false
    for (const child of life.children) this.#check(!child.alive || this.killed(), 'a child outlives its parent')
  }

  /** Somebody did not end in time: its hook was not run, so what is seen of it is not what there is. */
  killed(): boolean {
    return this.stage.events.some(({ event }) => event === 'killed')
  }

  #handlers(own: ActorContext, life: Seen, depth: number, unwanted: () => void): Node {
    return {
      act: (how) => {
        if (how === 'end') unwanted()
        this.#check(life.alive, 'a message is handled after the end of a life')
        this.#check(!life.busy, 'a message is handled beside another')
        this.#check(life.parent?.alive !== false, 'a message is handled after the end of a parent')
        return this.#act(own, life, depth, how)
      },
    }
  }

  #act(own: ActorContext, life: Seen, depth: number, how: string): unknown {
    const random = this.#random
    switch (how) {
      case 'crash':
        throw new Error('crash')
      case 'refuse':
        throw new Refusal('no')
      case 'leave':
        return own.stop()
      case 'end':
        return own.self().stop()
      case 'spawn':
        if (depth < DEPTH) this.spawn(own, life, depth + 1)
        return undefined
      case 'timer':
        own.after(randomBetween(random, 1, 500), () => {
          this.#check(life.alive && !life.busy, 'a timer rings beside a handler, or after the end')
          if (chance(random, 0.2)) throw new Error('timer')
        })
        return undefined
      case 'monitor':
        return void own.monitor(pick(random, this.refs), this.#listener(life))
      case 'link':
        // Somebody who is gone for good refuses it, and that is a crash.
        return own.link(pick(random, this.refs))
      case 'later':
        return new Later<string>().follow(this.#after(randomBetween(random, 1, 2_000)).then(() => 'later'))
      case 'wait':
        return this.#wait(life, randomBetween(random, 1, 2_000), chance(random, 0.2))
      case 'hang':
        life.busy = true
        return new Promise(() => undefined)
      default:
        return how
    }
  }

  /** Checks what it is told: down and up in turns, and nothing behind the last down. */
  #listener(life: Seen): (event: LifeEvent) => void {
    let last: LifeEvent | { readonly type: 'none' } = { type: 'none' }
    return (event) => {
      this.#check(life.alive && !life.busy, 'a monitor tells beside a handler, or after the end')
      this.#check(last.type !== 'down' || !last.final, 'a monitor tells of an actor that is gone for good')
      const isTurn = event.type === 'up' ? last.type === 'down' : last.type !== 'down' || event.final
      this.#check(isTurn, `a monitor tells ${event.type} behind ${last.type}`)
      last = event
    }
  }

  async #wait(life: Seen, ms: number, fails: boolean): Promise<string> {
    life.busy = true
    await this.#after(ms)
    life.busy = false
    if (fails) throw new Error('rejected')
    return 'waited'
  }

  #after(ms: number): Promise<void> {
    return new Promise((resolve) => void this.stage.clock.setTimer(ms, resolve))
  }

  /** One step of those outside: a message, an end, or nothing. */
  step(): void {
    const random = this.#random
    const ref = pick(random, this.refs)
    const how = pick(random, DEEDS)
    if (chance(random, 0.03)) this.#end(ref)
    else if (chance(random, 0.04)) this.#expect(ref.restart(), this.restarts)
    else if (chance(random, 0.1)) this.#expect(ref.send('act', how, { timeoutMs: CALL_MS }), this.open)
    else if (chance(random, 0.4)) ref.trySend('act', how)
    else this.#call(ref, how)
  }

  #end(ref: ActorRef<Node>): void {
    for (const planted of this.planted) if (planted.ref === ref) planted.isUnwanted = true
    ref.stop().catch((error: unknown) => this.violations.push(String(error)))
  }

  #call(ref: ActorRef<Node>, how: string): void {
    this.#expect(ref.call('act', how, { timeoutMs: CALL_MS }), this.open)
  }

  /** It is settled once, and out of `open` then. */
  #expect(promise: Promise<unknown>, open: Set<number>): void {
    const call = ++this.calls
    open.add(call)
    const settled = (error?: unknown): void => {
      this.#check(open.delete(call), 'a call is settled twice')
      this.#check(error === undefined || error instanceof ActorError || error instanceof Refusal, String(error))
    }
    promise.then(() => settled(), settled)
  }
}

const lives = new WeakMap<Node, Seen>()

test('ActorSystem: whatever happens, lives do not overlap, children end before parents, and every call is settled once', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const forest = new Forest(seed)
    const { stage } = forest
    try {
      for (let i = 0; i < 3; i++) forest.spawn(null, null, 1)
      for (let i = 0; i < STEPS; i++) {
        forest.step()
        await stage.pass(i % 3 === 0 ? 137 : 0)
        forest.checkPermanent()
      }
      await stage.pass(CALL_MS)
      assert.equal(forest.open.size, 0, 'a call is not settled at its deadline')
      // The others end in the midst of pauses, open circuits and restarts.
      if (seed % 2 === 0) await forest.calm()
      const gone = watch(stage.system.stop())
      for (let i = 0; i < 20; i++) await stage.pass(SHUTDOWN_MS)
      assert.ok(gone.settled, 'the system does not come to its end')
      assert.equal(forest.restarts.size, 0, 'a restart by hand is not settled when all is over')
      assert.deepEqual(stage.system.snapshot(), [])
      assert.deepEqual(forest.violations, [])
      for (const ref of forest.refs) assert.equal(ref.trySend('act', 'echo'), false)
      if (!forest.killed()) for (const life of forest.seen) assert.ok(!life.alive, 'a life goes on when all is over')
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
})
