import { formatAddress } from '../../api/index.ts'
import type { Address } from '../../api/index.ts'
import type { Clock } from '../../ports/index.ts'

/** Whoever answered is asked again after it, for another may have moved in. */
const FRESH_MS = 60_000
/** Addresses that are asked at a time. */
const AT_ONCE = 8

export interface DoorsOptions {
  readonly clock: Clock
  /** The key that whoever listens there proves; undefined where nobody does. Rejects for nobody. */
  readonly whoListens: (address: Address) => Promise<string | undefined>
}

interface Answer {
  readonly endpointId: string | undefined
  readonly askedAt: number
}

/** Whose addresses these are: DNS names no keys, so whoever listens is asked for its own. */
export class Doors {
  readonly #options: DoorsOptions
  #answers = new Map<string, Answer>()

  constructor(options: DoorsOptions) {
    this.#options = options
  }

  /**
   * The key at each address; undefined where nobody answers. A key that is missed is not taken to be still there. What was known of other addresses
   * is forgotten.
   */
  async ask(addresses: readonly Address[], missing: ReadonlySet<string>): Promise<ReadonlyMap<string, string | undefined>> {
    const { clock, whoListens } = this.#options
    const answers = new Map<string, Answer>()
    const open: Address[] = []
    for (const address of addresses) {
      const known = this.#answers.get(spell(address))
      const isFresh = known?.endpointId !== undefined && !missing.has(known.endpointId) && known.askedAt > clock.now() - FRESH_MS
      if (isFresh) answers.set(spell(address), known)
      else open.push(address)
    }
    const ask = async (): Promise<void> => {
      for (let next = open.shift(); next !== undefined; next = open.shift())
        answers.set(spell(next), { endpointId: await whoListens(next), askedAt: clock.now() })
    }
    await Promise.all(Array.from({ length: AT_ONCE }, ask))
    this.#answers = answers
    return new Map(addresses.map((address) => [spell(address), answers.get(spell(address))?.endpointId]))
  }
}

function spell({ host, port }: Address): string {
  return formatAddress(host, port)
}
