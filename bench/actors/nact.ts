import { askInLanes, optionalPackage } from './contender.ts'
import type { Contender } from './contender.ts'

type Ref = object

/** As much of it as is used here. */
interface Nact {
  readonly start: () => Ref
  readonly spawn: <S>(parent: Ref, handle: (state: S | undefined, message: Message) => S, name: string) => Ref
  readonly dispatch: (ref: Ref, message: unknown) => void
  readonly query: (ref: Ref, message: (sender: Ref) => unknown, timeoutMs: number) => Promise<unknown>
  readonly stop: (ref: Ref) => void
}

interface Message {
  readonly by?: number
  readonly sender?: Ref
}

const TIMEOUT_MS = 5_000
const BATCH = 1_000

/** Null without the package. */
export async function nact(): Promise<Contender | null> {
  const library = await optionalPackage<Nact>('nact')
  if (library === null) return null
  const { dispatch, query, spawn, start, stop } = library
  const system = start()
  // The names that it makes up are not always free.
  let names = 0
  const nextName = (): string => String(++names)
  const add = (sum = 0, { by = 0, sender }: Message): number => {
    if (sender !== undefined) dispatch(sender, sum)
    return sum + by
  }
  const adder = (): Ref => spawn(system, add, nextName())
  const sumOf = (ref: Ref): Promise<unknown> => query(ref, (sender) => ({ sender }), TIMEOUT_MS)
  const one = adder()
  const players: Ref[] = []
  let over: () => void = () => undefined
  const player = (other: number): Ref => {
    const ping = (_state: undefined, { by = 0 }: Message): undefined => {
      if (by === 0) over()
      else dispatch(players[other] as Ref, { by: by - 1 })
    }
    return spawn(system, ping, nextName())
  }
  players.push(player(1), player(0))
  return {
    name: 'nact',
    async tell(count) {
      for (let sent = 0; sent < count; sent += BATCH) {
        for (let i = 1; i < BATCH; i++) dispatch(one, { by: i })
        await sumOf(one)
      }
    },
    ask: (count, inFlight) => askInLanes(count, inFlight, () => sumOf(one)),
    async pingPong(count) {
      const played = new Promise<void>((resolve) => (over = resolve))
      dispatch(players[0] as Ref, { by: count })
      await played
    },
    async spawnAndStop(count) {
      const refs = Array.from({ length: count }, adder)
      for (const ref of refs) dispatch(ref, { by: 1 })
      await sumOf(refs.at(-1) as Ref)
      for (const ref of refs) stop(ref)
      // Its end is said to nobody; what it does at one is done in a turn of its own.
      await new Promise((resolve) => setImmediate(resolve))
    },
    async idle(count) {
      const refs = Array.from({ length: count }, adder)
      await sumOf(refs.at(-1) as Ref)
      return [system, refs]
    },
  }
}
