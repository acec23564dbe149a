/** Kinds of tests that can be run by name: `npm test -- property`, and their slow ones by `npm run test:slow -- chaos`. */
export interface TestCategory {
  readonly name: string
  /** The folders and files that belong to it. */
  readonly paths: readonly string[]
  /** A package; every test file that imports it belongs to it too. */
  readonly imports?: string
}

export const TEST_CATEGORIES: readonly TestCategory[] = [
  { name: 'simulation', paths: ['sim/', 'src/simulation/', 'test/simulation/'] },
  { name: 'property', paths: [], imports: 'fast-check' },
  { name: 'router', paths: ['test/router/'] },
  { name: 'chaos', paths: ['test/chaos/', 'test/bad-days/'] },
  { name: 'artifacts', paths: ['sim/artifact.test.ts', 'sim/main.test.ts'] },
  { name: 'integration', paths: ['test/bin/', 'test/client/', 'test/cluster/', 'test/http/', 'test/package/'] },
]

/** Gives the text of a test file. */
export type ReadFile = (file: string) => string

/** Whether a test file belongs to a category. */
export function isOf({ paths, imports }: TestCategory, file: string, read: ReadFile): boolean {
  if (paths.some((path) => file.startsWith(path))) return true
  return imports !== undefined && new RegExp(`^import .* from '${imports}'$`, 'm').test(read(file))
}

/** Whether a word chooses a test file: as the name of a category, or else as a part of the file's path. */
export function isChosen(word: string, file: string, read: ReadFile): boolean {
  const category = TEST_CATEGORIES.find(({ name }) => name === word)
  return category === undefined ? file.includes(word) : isOf(category, file, read)
}
