/** Answers against what the quick starts promise, to the letter. */

/** What stands for a number that the text of a promise cannot know. */
const NUMBER = '<number>'

/** Positions in the log depend on elections; every other letter counts. */
function withoutPositions(text: string): string {
  return text.replaceAll(/"(index)":\d+/g, `"$1":${NUMBER}`)
}

/** An expected body: text, in which `"index":<number>` stands for any position. */
export interface Expected {
  readonly status: number
  readonly body: string
}

/** The difference as two marked lines, or undefined when there is none. */
export function difference(expected: Expected, actual: Expected): string | undefined {
  const wanted = `${expected.status} ${expected.body}`
  const seen = `${actual.status} ${withoutPositions(actual.body)}`
  if (wanted === seen) return undefined
  return `    - expected ${wanted}\n    + answered ${actual.status} ${actual.body}`
}
