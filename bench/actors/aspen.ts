import { ActorSystem, defineActor } from '../../src/actors/index.ts'
import type { ActorRef } from '../../src/actors/index.ts'
import { askInLanes } from './contender.ts'
import type { Contender } from './contender.ts'

/** Messages that are told before the sender waits: what a mailbox holds. */
const BATCH = 1_000

class Adder {
  #sum = 0

  add(by: number): void {
    this.#sum += by
  }

  sum(): number {
    return this.#sum
  }
}

interface Player {
  ping(left: number): void
}

const adder = defineActor<Adder>({ start: () => new Adder() })

export function aspen(): Contender {
  const system = new ActorSystem()
  const one = system.spawn(adder)
  const players: ActorRef<Player>[] = []
  let over: () => void = () => undefined
  const player = (other: number) =>
    defineActor<Player>({
      start: () => ({
        ping: (left) => {
          if (left === 0) over()
          else players[other]?.cast('ping', left - 1)
        },
      }),
    })
  players.push(system.spawn(player(1)), system.spawn(player(0)))
  return {
    name: 'aspen',
    async tell(count) {
      for (let sent = 0; sent < count; sent += BATCH) {
        for (let i = 1; i < BATCH; i++) one.cast('add', i)
        await one.call('sum')
      }
    },
    ask: (count, inFlight) => askInLanes(count, inFlight, () => one.call('sum')),
    async pingPong(count) {
      const played = new Promise<void>((resolve) => (over = resolve))
      players[0]?.cast('ping', count)
      await played
    },
    async spawnAndStop(count) {
      const refs = Array.from({ length: count }, () => system.spawn(adder))
      for (const ref of refs) ref.cast('add', 1)
      await refs.at(-1)?.call('sum')
      await Promise.all(refs.map((ref) => ref.stop()))
    },
    async idle(count) {
      const refs = Array.from({ length: count }, () => system.spawn(adder))
      await refs.at(-1)?.call('sum')
      return refs
    },
  }
}
