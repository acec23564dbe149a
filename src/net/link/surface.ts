/** For a promise that rejects only through a bug: the bug ends up where uncaught exceptions do, not in silence. */
export function surface(promise: Promise<unknown>): void {
  promise.catch((error: unknown) => {
    setImmediate(() => {
      throw error
    })
  })
}
