import { aspen } from './aspen.ts'
import type { Contender } from './contender.ts'
import { nact } from './nact.ts'
import { xstate } from './xstate.ts'

const ALL: readonly (() => Promise<Contender | null>)[] = [async () => aspen(), nact, xstate]

/** Those that are installed, this package's own first. */
export async function contenders(): Promise<Contender[]> {
  const all = await Promise.all(ALL.map((make) => make()))
  return all.filter((one) => one !== null)
}
