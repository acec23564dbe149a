/**
 * Spawns as many actors in threads of their own as its argument says, has one taken for dead whose handler never returns, ends them, with another that
 * never returns, and has nothing left to do.
 */
import { ActorSystem } from '../../../src/actors/index.ts'
import { COUNTER, DEADLY } from './worlds.ts'

const AT_ONCE = 5
const PATIENT = { timeoutMs: 100_000 }
const count = Number(process.argv[2])
const silent = Promise.withResolvers<string>()
const system = new ActorSystem({
  report: ({ path, event, error }) => {
    if (path === '/loops' && event === 'failed') silent.resolve(error?.message ?? 'without a reason')
  },
})
let sum = 0
for (let spawned = 0; spawned < count; spawned += AT_ONCE) {
  const refs = Array.from({ length: Math.min(AT_ONCE, count - spawned) }, () => system.spawn(COUNTER, { argument: 1 }))
  const answers = await Promise.all(refs.map((ref) => ref.call('add', 1, PATIENT)))
  for (const answer of answers) sum += answer
}
system.spawn(DEADLY, { name: 'loops', thread: { unresponsiveMs: 200 } }).cast('spin')
console.log(await silent.promise)
const spins = system.spawn(DEADLY, { shutdownMs: 50 })
await spins.call('hello', undefined, PATIENT)
spins.cast('spin')
await system.stop()
console.log(`${sum} of ${count}`)
