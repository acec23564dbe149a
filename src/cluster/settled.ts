/** A promise of what calls back. */
export function settled(run: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => (error === undefined ? resolve() : reject(error)))
  })
}
