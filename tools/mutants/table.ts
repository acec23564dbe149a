import { isSimulator } from './mutant.ts'
import type { Mutant } from './mutant.ts'
import type { Result } from './campaign.ts'

const NAME_WIDTH = 58
const HUNTER_WIDTH = 12
const MESSAGE_WIDTH = 100

function columns({ name, hunter }: Mutant): string {
  return `${name.padEnd(NAME_WIDTH)}  ${(isSimulator(hunter) ? hunter : 'test').padEnd(HUNTER_WIDTH)}`
}

export function describeMutant(mutant: Mutant): string {
  const where = isSimulator(mutant.hunter) ? '' : `  ${mutant.hunter}`
  return `${columns(mutant)}  src/${mutant.file}${where}`
}

/** One line of the table. */
export function describeResult({ mutant, verdict, seconds }: Result): string {
  const spent = `${seconds.toFixed(1)} s`
  switch (verdict.kind) {
    case 'caught': {
      const by = isSimulator(mutant.hunter) ? `seed ${verdict.by}` : `"${verdict.by}" in ${mutant.hunter}`
      return `${columns(mutant)}  caught by ${by} (${verdict.property}) after ${spent}`
    }
    case 'missed':
      return `${columns(mutant)}  SURVIVED ${verdict.looked} in ${spent}`
    case 'broken':
      return `${columns(mutant)}  PROVES NOTHING: ${verdict.message.slice(0, MESSAGE_WIDTH)}`
  }
}
