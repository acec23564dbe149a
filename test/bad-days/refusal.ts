import assert from 'node:assert/strict'

/** The node does not start; it says why, where, and what to do. */
export async function assertRefused(
  start: Promise<{ stop(): Promise<void> }>,
  words: readonly (RegExp | string)[],
): Promise<void> {
  const error = await start.then(
    async (node) => {
      await node.stop()
      return new Error('it started')
    },
    (reason: Error) => reason,
  )
  for (const word of words) {
    if (typeof word === 'string') assert.ok(error.message.includes(word), `${error.message}\nlacks\n${word}`)
    else assert.match(error.message, word)
  }
}
