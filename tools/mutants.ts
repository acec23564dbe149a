/**
 * `npm run mutants`: how many of the bugs that can be planted in the sources does somebody notice?
 *
 *     npm run mutants                      all of them
 *     npm run mutants -- quorum 'sync'     those with one of these in their name
 *     npm run mutants -- --list            their names, files and hunters
 *     npm run mutants -- --jobs 2          two at a time
 *
 * Each is planted in a copy of the checkout and hunted by a simulator over seeds, or by a test file where no simulator
 * gets. It counts as caught when a promise was broken that the same seed keeps without the bug. Exit 0: all were
 * caught; 1: some survived; 2: wrong usage.
 */
import { join } from 'node:path'
import { MUTANTS } from './mutants/all.ts'
import { boundsFor, Control, tryAll } from './mutants/campaign.ts'
import type { Result } from './mutants/campaign.ts'
import { Copy } from './mutants/copy.ts'
import { endHunters } from './mutants/hunter-process.ts'
import { parseOptions, UsageError } from './mutants/options.ts'
import type { Options } from './mutants/options.ts'
import { describeMutant, describeResult } from './mutants/table.ts'

const EXIT_SURVIVED = 1
const EXIT_USAGE = 2

async function run(root: string, { mutants, jobs }: Options): Promise<boolean> {
  // Everything is copied from one copy, so that a checkout that is being edited is looked at once.
  const control = new Copy(root)
  const copies = [control]
  const removeAll = (): void => {
    endHunters()
    for (const copy of copies) copy.remove()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      removeAll()
      process.exit(EXIT_SURVIVED)
    })
  }
  try {
    for (let job = 0; job < jobs; job++) copies.push(new Copy(control.folder))
    const report = (result: Result): void => console.log(describeResult(result))
    const results = await tryAll({ mutants, copies: copies.slice(1), control: new Control(control), boundsFor, report })
    const caught = results.filter(({ verdict }) => verdict.kind === 'caught').length
    console.log(`${caught} of ${results.length} caught`)
    return caught === results.length
  } finally {
    removeAll()
  }
}

try {
  const options = parseOptions(process.argv.slice(2), MUTANTS)
  if (options.list) for (const mutant of options.mutants) console.log(describeMutant(mutant))
  else if (!(await run(join(import.meta.dirname, '..'), options))) process.exitCode = EXIT_SURVIVED
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(`mutants: ${error.message}`)
  process.exitCode = EXIT_USAGE
}
