/** Spawns as many actors in threads of their own as its argument says, and one whose handler never returns; ends them; and has nothing left to do. */
import { ActorSystem } from '../../../src/actors/index.ts'
import { COUNTER, DEADLY } from './worlds.ts'

const AT_ONCE = 5
const count = Number(process.argv[2])
const system = new ActorSystem()
let sum = 0
for (let spawned = 0; spawned < count; spawned += AT_ONCE) {
  const refs = Array.from({ length: Math.min(AT_ONCE, count - spawned) }, () => system.spawn(COUNTER, { argument: 1 }))
  const answers = await Promise.all(refs.map((ref) => ref.call('add', 1, { timeoutMs: 100_000 })))
  for (const answer of answers) sum += answer
}
const spins = system.spawn(DEADLY, { shutdownMs: 50 })
await spins.call('hello', undefined, { timeoutMs: 100_000 })
spins.cast('spin')
await system.stop()
console.log(`${sum} of ${count}`)
