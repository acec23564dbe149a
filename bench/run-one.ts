/** Runs as a process of its own: one benchmark, whose results go to the parent as they come. */
import { BENCHMARKS } from './benchmarks.ts'
import type { Budget } from './measure.ts'

const [name = '', budget = ''] = process.argv.slice(2)
const benchmark = BENCHMARKS.get(name)
if (benchmark === undefined || process.send === undefined) throw new Error('start benchmarks with npm run bench')
await benchmark(JSON.parse(budget) as Budget, (result) => process.send?.(result))
process.disconnect?.()
