/** What becomes of a process whose tests are done: it ends, or it says what keeps it alive, soon rather than when all time is up. */
import { after } from 'node:test'

/** How long a process may outlive its last test: far longer than it takes to let go of what was closed. */
const MAX_AFTERLIFE_MS = 60_000

/** What keeps the process alive, by kind. */
export function heldOpen(): ReadonlyMap<string, number> {
  const held = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) held.set(kind, (held.get(kind) ?? 0) + 1)
  return held
}

/** What is held now beyond what was held then, in words; empty when it is nothing. */
export function describeHeld(before: ReadonlyMap<string, number>): string {
  return [...heldOpen()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${count - (before.get(kind) ?? 0)} ${kind}`)
    .join(', ')
}

/** To be called before the tests are registered. @param describe what the process still holds, and who is to blame */
export function endAfterTests(describe: () => string, maxAfterlifeMs: number = MAX_AFTERLIFE_MS): void {
  after(() => {
    setTimeout(() => {
      console.error(`the tests are done, and something keeps their process alive: ${describe() || 'not known'}`)
      process.exit(1)
    }, maxAfterlifeMs).unref()
  })
}
