/** Finds what somebody meant who made a typing error. */

/** Insertions, deletions, substitutions and swaps of neighbours that make one word of the other. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(before, j - 2) + 1)
      row.push(best)
    }
    before = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}

const MAX_DISTANCE = 2
/** Nobody makes so long a name of a shorter one by mistake; and the work is bounded. */
const MAX_LENGTH = 100

/** The known name that is at most two typing errors away, if there is one; case counts for nothing. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined
  const wanted = name.toUpperCase()
  const ranked = known
    .map((candidate) => ({ candidate, errors: distance(wanted, candidate.toUpperCase()) }))
    .toSorted((a, b) => a.errors - b.errors)
  const [best] = ranked
  return best !== undefined && best.errors <= MAX_DISTANCE ? best.candidate : undefined
}
