/** Runs a step for each item when the one before it has called back, and `done` behind the last; on a stack of its own size, however many call back at once. */
export function eachInTurn<T>(items: readonly T[], step: (item: T, next: () => void) => void, done: () => void): void {
  let at = 0
  let isRunning = false
  const next = (): void => {
    at++
    if (!isRunning) goOn()
  }
  const goOn = (): void => {
    isRunning = true
    let begun = -1
    while (begun !== at && at < items.length) {
      begun = at
      step(items[at] as T, next)
    }
    isRunning = false
    if (at === items.length) {
      at++
      done()
    }
  }
  goOn()
}
