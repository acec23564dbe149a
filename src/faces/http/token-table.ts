/** Tokens by their digests: they are compared in a time that tells nothing about them, and are nowhere in memory as they are. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { TokenHolder, Tokens } from '../../ports/index.ts'

export interface NamedToken extends TokenHolder {
  readonly token: string
}

interface Entry {
  readonly digest: Buffer
  readonly holder: TokenHolder
}

export class TokenTable implements Tokens {
  #entries: readonly Entry[] = []

  constructor(tokens: readonly NamedToken[]) {
    this.replace(tokens)
  }

  /** From now on these are valid, and no others. */
  replace(tokens: readonly NamedToken[]): void {
    this.#entries = tokens.map(({ name, scope, token }) => ({ digest: digestOf(token), holder: { name, scope } }))
  }

  /** All are looked at, whichever it is. */
  find(token: string): TokenHolder | undefined {
    const given = digestOf(token)
    let found: TokenHolder | undefined
    for (const { digest, holder } of this.#entries) if (timingSafeEqual(digest, given)) found = holder
    return found
  }
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
