/** What a planted bug is: one place of the sources, and who must notice. */

/** The simulators that hunt by seeds; every other hunter is the path of a test file. */
export const SIMULATORS = ['core', 'drift', 'cluster', 'power-cuts', 'snapshots'] as const
export type Simulator = (typeof SIMULATORS)[number]
export type Hunter = Simulator | `${string}.test.ts`

export interface Mutant {
  /** The bug, in words. */
  readonly name: string
  /** Below `src/`. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  readonly hunter: Hunter
}

export function isSimulator(hunter: string): hunter is Simulator {
  return (SIMULATORS as readonly string[]).includes(hunter)
}

/** How often `part` occurs in `text`. */
function occurrences(text: string, part: string): number {
  return text.split(part).length - 1
}

/** The source with the bug in it. @throws Error when it fits no place, more than one, or changes nothing */
export function plant(source: string, { name, file, find, replace }: Mutant): string {
  const found = occurrences(source, find)
  if (found !== 1) throw new Error(`"${name}" wants exactly one place in src/${file}, and ${found} look like this: ${find}`)
  if (find === replace) throw new Error(`"${name}" changes nothing in src/${file}`)
  // A function, because a replacement text may contain dollar signs.
  return source.replace(find, () => replace)
}
