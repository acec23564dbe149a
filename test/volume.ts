/**
 * How much the tests that draw their inputs draw: seeds, rounds, properties' runs. Whoever changes something wants an answer
 * soon; CI asks for the full volume with `npm test -- --full`. What a test demands of each input is the same in both.
 */
const VOLUME = process.env['TEST_VOLUME'] ?? 'quick'
if (VOLUME !== 'quick' && VOLUME !== 'full') throw new Error(`TEST_VOLUME is ${VOLUME}: it is quick, full or not set`)

/** Whether this is the full volume: what only many inputs come across is demanded of it alone. */
export const IS_FULL_VOLUME: boolean = VOLUME === 'full'

/** The number for this run. The full one first: it is what CI runs, and what the number means. */
export function volume(full: number, quick: number): number {
  return IS_FULL_VOLUME ? full : quick
}
