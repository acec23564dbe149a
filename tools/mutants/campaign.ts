/** Plants one bug after the other, and finds out which of them are caught. */
import type { Copy } from './copy.ts'
import { sendHunter } from './hunter-process.ts'
import type { Bounds } from './hunter-process.ts'
import { isSimulator } from './mutant.ts'
import type { Hunter, Mutant } from './mutant.ts'
import type { Verdict } from './verdict.ts'

/** What the sources as they are must survive before anything is planted. */
const PROBATION: Bounds = { seeds: 5, seconds: 120 }

export interface Result {
  readonly mutant: Mutant
  readonly verdict: Verdict
  readonly seconds: number
}

/** Sources without a planted bug: what fails on them, too, proves nothing about a mutant. */
export class Control {
  readonly #copy: Copy
  readonly #verdicts = new Map<string, Promise<Verdict>>()

  constructor(copy: Copy) {
    this.#copy = copy
  }

  /** What the hunter says of the sources as they are, at its first few seeds. */
  probation(hunter: Hunter): Promise<Verdict> {
    return this.#ask(hunter, 1, PROBATION)
  }

  /** What it says at the one seed, or in the one file, that has caught a mutant. */
  at(hunter: Hunter, by: string): Promise<Verdict> {
    return isSimulator(hunter) ? this.#ask(hunter, Number(by), { ...PROBATION, seeds: 1 }) : this.probation(hunter)
  }

  #ask(hunter: Hunter, firstSeed: number, bounds: Bounds): Promise<Verdict> {
    const key = `${hunter} ${firstSeed} ${bounds.seeds}`
    const known = this.#verdicts.get(key)
    if (known !== undefined) return known
    const verdict = sendHunter({ folder: this.#copy.folder, hunter, firstSeed, bounds })
    this.#verdicts.set(key, verdict)
    return verdict
  }
}

/** A seed of the cores alone takes a fraction of one of whole nodes. */
export function boundsFor(hunter: Hunter): Bounds {
  return { seeds: hunter === 'core' || hunter === 'drift' ? 3000 : 800, seconds: 180 }
}

export interface Campaign {
  readonly mutants: readonly Mutant[]
  /** One for each mutant that may be tried at a time. */
  readonly copies: readonly Copy[]
  readonly control: Control
  readonly boundsFor: (hunter: Hunter) => Bounds
  /** Hears of each mutant as it is done. */
  readonly report: (result: Result) => void
}

/** The hunter finds fault with the sources as they are. */
function provesNothing(hunter: Hunter, verdict: Verdict): Verdict {
  const where = verdict.kind === 'caught' ? ` at ${verdict.by}` : ''
  const why = verdict.kind === 'missed' ? verdict.looked : verdict.message
  return { kind: 'broken', message: `${hunter} fails without the bug, too${where}: ${why}` }
}

async function tryMutant(mutant: Mutant, copy: Copy, { control, boundsFor: allowed }: Campaign): Promise<Result> {
  const { hunter } = mutant
  const before = await control.probation(hunter)
  if (before.kind !== 'missed') return { mutant, verdict: provesNothing(hunter, before), seconds: 0 }
  const startedAt = performance.now()
  const assignment = { folder: copy.folder, hunter, firstSeed: 1, bounds: allowed(hunter) }
  const verdict = await copy.with(mutant, () => sendHunter(assignment))
  const seconds = (performance.now() - startedAt) / 1000
  if (verdict.kind !== 'caught') return { mutant, verdict, seconds }
  const unplanted = await control.at(hunter, verdict.by)
  if (unplanted.kind === 'missed') return { mutant, verdict, seconds }
  return { mutant, verdict: provesNothing(hunter, unplanted), seconds }
}

/** Tries all mutants, one at a time in each copy. */
export async function tryAll(campaign: Campaign): Promise<Result[]> {
  const waiting = [...campaign.mutants]
  const results: Result[] = []
  const work = async (copy: Copy): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const result = await tryMutant(mutant, copy, campaign)
      results.push(result)
      campaign.report(result)
    }
  }
  await Promise.all(campaign.copies.map(work))
  return results
}
