/**
 * Finds nodes by the names that are configured, and by no others: those that a host name or a service (SRV) leads to, and those that are missed, by
 * their keys, in a zone as iroh has it. What is found is a candidate to be dialled, no more.
 *
 * Addresses come without keys: whoever listens there is asked for its own (see `Doors`), and dialled by it like everybody. Whoever answers for a name
 * can have a node greet so many addresses, of those that it may be sent to at all, and learns nothing by it.
 */
import type { Random } from '../../lib/index.ts'
import type { Candidate, Clock, Discovery, DiscoveryReport, Logger, SelfDescription } from '../../ports/index.ts'
import type { DnsName } from './dns-name.ts'
import type { DoorsOptions } from './doors.ts'
import type { NameService } from './name-service.ts'
import { NameWatch } from './name-watch.ts'

export interface DnsOptions extends DoorsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** None: nobody is asked for anything. */
  readonly names: readonly DnsName[]
  /** @param server `address:port` of a name server; null for those of the system */
  readonly open: (server: string | null) => NameService
}

export class DnsDiscovery implements Discovery {
  readonly source = 'dns'
  readonly #options: DnsOptions
  readonly #failures = new Map<string, string>()
  #watches: readonly NameWatch[] = []
  #isStopped = false

  constructor(options: DnsOptions) {
    this.#options = options
  }

  start(self: SelfDescription, heard: (candidate: Candidate) => void): void {
    const { names, open } = this.#options
    this.#watches = names.map((name) => {
      const outcome = (failure: string | null): void => this.#outcome(name, failure)
      return new NameWatch({ ...this.#options, name, service: open(name.server), heard, outcome }, self)
    })
  }

  announce(self: SelfDescription): void {
    for (const watch of this.#watches) watch.announce(self)
  }

  seek(missing: readonly string[]): void {
    for (const watch of this.#watches) watch.seek(missing)
  }

  report(): DiscoveryReport {
    const names = this.#options.names.map(({ text }) => text)
    const detail = names.length === 0 ? 'of no name: dns_discovery_url is not given' : `of ${names.join(', ')}`
    const [failure] = this.#failures.values()
    return { source: this.source, detail, lastError: failure ?? null }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const watch of this.#watches) watch.stop()
  }

  #outcome({ text }: DnsName, failure: string | null): void {
    if (this.#isStopped) return
    if (failure === null) return void this.#failures.delete(text)
    const isNews = !this.#failures.has(text)
    this.#failures.set(text, `${text}: ${failure}`)
    if (!isNews) return
    const facts = { name: text, reason: failure }
    this.#options.logger.log('warn', 'DNS does not lead to all that it names for now; it is asked again', facts, {
      cause: 'DNS_FAILED',
      from: text,
    })
  }
}
