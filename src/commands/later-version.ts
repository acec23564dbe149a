import { WireError } from '../lib/index.ts'

/**
 * Something was written by a program of a later version, and means something that this one cannot know. Nothing was
 * changed; with a program of that version it goes on. Whoever takes bytes from others refuses it like any that it cannot read;
 * whoever applies a log stops before it.
 */
export class LaterVersion extends WireError {
  override readonly name = 'LaterVersion'
  /** The version that is needed. */
  readonly needs: number
  /** The version that this program knows. */
  readonly knows: number

  constructor(what: string, needs: number, knows: number) {
    super(`${what} needs version ${needs} of the commands, and this program knows ${knows}: run a later program here`)
    this.needs = needs
    this.knows = knows
  }
}
