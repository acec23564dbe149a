/** Runs as a process of its own, with `--expose-gc`: what so many idle actors of one library take of its memory, in bytes each. */
import { contenders } from './contenders.ts'

const [name, text] = process.argv.slice(2)
const count = Number(text)
const contender = (await contenders()).find((one) => one.name === name)
const collect = (globalThis as { gc?: () => void }).gc
if (contender === undefined || collect === undefined) throw new Error('started by npm run bench -- actors')

/** Twice: what the first frees may keep more alive until the second. */
function resident(): number {
  collect?.()
  collect?.()
  return process.memoryUsage().rss
}

await contender.tell(1_000)
const before = resident()
const kept = await contender.idle(count)
await new Promise((resolve) => setTimeout(resolve, 100))
const bytes = (resident() - before) / count
// They are there until here.
if (kept !== undefined) process.send?.(bytes, () => process.exit())
