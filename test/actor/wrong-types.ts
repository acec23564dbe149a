/** Never run: each line that is marked must not compile, and every other must. `types.test.ts` sees to it that the marks are needed. */
import { defineActor } from '../../src/actor/index.ts'
import type { ActorContext, ActorRef, ActorSystem, GroupMember, LifeEvent, RemoteRef, Later } from '../../src/actor/index.ts'

interface Counter {
  add(by: number): void
  total(): number
  slow(): Promise<string>
  later(): Later<Date>
  refuse(why: string): never
  readonly size: number
}

declare const keep: (promise: Promise<unknown>) => void
declare const system: ActorSystem
declare const definition: ReturnType<typeof defineActor<Counter>>

/** A wrong message. */
export function messages(ref: ActorRef<Counter>, remote: RemoteRef<Counter>): void {
  ref.cast('add', 1)
  ref.trySend('total')
  // @ts-expect-error a message that it does not handle
  ref.trySend('substract', 1)
  // @ts-expect-error a member that is no method
  ref.cast('size')
  // @ts-expect-error a message that it does not handle
  keep(ref.send('substract', 1))
  // @ts-expect-error a message that it does not handle
  keep(ref.call('substract', 1))
  // @ts-expect-error a message that it does not handle
  remote.cast('substract', 1)
  // @ts-expect-error no name of a message
  ref.cast(5)
}

/** A wrong body. */
export function bodies(ref: ActorRef<Counter>, remote: RemoteRef<Counter>): void {
  keep(ref.send('add', 1, { timeoutMs: 5 }))
  // @ts-expect-error a body of another type
  ref.cast('add', 'one')
  // @ts-expect-error a body that is missing
  ref.cast('add')
  // @ts-expect-error a body that is not wanted
  ref.cast('total', 1)
  // @ts-expect-error a second body
  ref.trySend('add', 1, 2)
  // @ts-expect-error a body of another type
  keep(ref.send('add', 'one'))
  // @ts-expect-error options in place of the body
  keep(ref.call('add', { timeoutMs: 5 }))
  // @ts-expect-error an option that there is not
  keep(ref.call('total', undefined, { timeout: 5 }))
  // @ts-expect-error a body of another type
  remote.cast('add', 'one')
}

/** A wrong answer. */
export function answers(ref: ActorRef<Counter>, remote: RemoteRef<Counter>): Promise<unknown>[] {
  const total: Promise<number> = ref.call('total')
  const slow: Promise<string> = ref.call('slow')
  const later: Promise<Date> = ref.call('later', undefined, { timeoutMs: 5 })
  const nothing: Promise<never> = ref.call('refuse', 'no')
  // @ts-expect-error an answer of another type
  const wrong: Promise<string> = ref.call('total')
  // @ts-expect-error what a promise is of, not the promise
  const nested: Promise<Promise<string>> = ref.call('slow')
  // @ts-expect-error what it is later, not the Later
  const unripe: Promise<Later<Date>> = ref.call('later')
  // @ts-expect-error an answer of another type
  const far: Promise<string> = remote.call('total')
  // @ts-expect-error a cast has no answer
  const cast: number = ref.cast('total')
  return [total, slow, later, nothing, wrong, nested, unripe, far, Promise.resolve(cast)]
}

/** A wrong definition, or a wrong argument of one. */
export function definitions(): unknown[] {
  const greeter = defineActor({ start: (_context: ActorContext, name: string) => ({ greet: () => `I am ${name}` }) })
  const ref = system.spawn(greeter, { argument: 'Ann' })
  const greeting: Promise<string> = ref.call('greet')
  return [
    greeting,
    // @ts-expect-error an argument of another type
    system.spawn(greeter, { argument: 5 }),
    // @ts-expect-error an argument that is forgotten
    system.spawn(greeter),
    // @ts-expect-error an argument that is forgotten among other options
    system.spawn(greeter, { name: 'greeter' }),
    // @ts-expect-error handlers that do not do what they promise
    defineActor<Counter>({ start: () => ({ add: (by: string) => by }) }),
    // @ts-expect-error a definition without a start
    system.spawn({ stop: () => undefined }),
    // @ts-expect-error a restart that there is not
    system.spawn(definition, { restart: 'sometimes' }),
    // @ts-expect-error a strategy that there is not
    system.spawn(definition, { supervision: { strategy: 'all' } }),
    // @ts-expect-error a setting that there is not
    system.spawn(definition, { supervision: { restarts: { maxRestart: 3 } } }),
    // @ts-expect-error handlers of another actor
    ref satisfies ActorRef<Counter>,
    // @ts-expect-error handlers of an actor of another node
    system.remote<{ greet(): string }>(2, 'greeter') satisfies RemoteRef<Counter>,
    // One that handles more will do.
    system.spawn(definition) satisfies ActorRef<Pick<Counter, 'add'>>,
  ]
}

/** What others may be told of an actor. */
export function others(context: ActorContext, ref: ActorRef<Counter>, remote: RemoteRef<Counter>): void {
  const hear = (event: LifeEvent): string => (event.type === 'down' ? `${event.reason}: ${event.words}` : 'up')
  context.monitor(ref, hear)
  context.monitor(remote, hear)
  context.link(ref)
  // @ts-expect-error what cannot be monitored
  context.monitor('/counter', hear)
  // @ts-expect-error a reason, of one that is up
  context.monitor(ref, (event) => event.reason)
  // @ts-expect-error an actor of another node has no end that this one could ask for
  void remote.stop()
  const [member] = system.groups.members<Counter>('counters')
  const known: GroupMember<Counter> | undefined = member
  known?.ref.cast('add', 1)
  // @ts-expect-error a body of another type
  known?.ref.cast('add', 'one')
  // @ts-expect-error there may be none
  system.named<Counter>('counter').cast('add', 1)
}
