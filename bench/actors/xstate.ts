import { optionalPackage } from './contender.ts'
import type { Contender } from './contender.ts'

interface Event {
  readonly type: string
  readonly by: number
}

interface Actor {
  start(): Actor
  stop(): Actor
  send(event: Event): void
}

/** As much of it as is used here. */
interface XState {
  readonly fromTransition: <S>(transition: (state: S, event: Event) => S, initial: S) => object
  readonly createActor: (logic: object) => Actor
}

/** Its actors have no answers. Null without the package. */
export async function xstate(): Promise<Contender | null> {
  const library = await optionalPackage<XState>('xstate')
  if (library === null) return null
  const { createActor, fromTransition } = library
  const adder = fromTransition<{ sum: number }>((state, { by }) => ({ sum: state.sum + by }), { sum: 0 })
  const one = createActor(adder).start()
  const players: Actor[] = []
  let over: () => void = () => undefined
  const player = (other: number): Actor =>
    createActor(
      fromTransition<null>((state, { by }) => {
        // It handles an event inside of the call that sends it: without turns of their own, two would fill the stack.
        if (by === 0) over()
        else setImmediate(() => players[other]?.send({ type: 'ping', by: by - 1 }))
        return state
      }, null),
    ).start()
  players.push(player(1), player(0))
  return {
    name: 'xstate',
    async tell(count) {
      for (let i = 0; i < count; i++) one.send({ type: 'add', by: i })
    },
    async pingPong(count) {
      const played = new Promise<void>((resolve) => (over = resolve))
      players[0]?.send({ type: 'ping', by: count })
      await played
    },
    async spawnAndStop(count) {
      const actors = Array.from({ length: count }, () => createActor(adder).start())
      for (const actor of actors) actor.send({ type: 'add', by: 1 })
      for (const actor of actors) actor.stop()
    },
    async idle(count) {
      return Array.from({ length: count }, () => createActor(adder).start())
    },
  }
}
