import { formatAddress } from '../../api/index.ts'
import type { Address } from '../../api/index.ts'
import { randomBetween } from '../../lib/index.ts'
import type { Random } from '../../lib/index.ts'
import { MAX_ANNOUNCED_ADDRESSES } from '../../limits.ts'
import type { Candidate, Clock, SelfDescription, Timer } from '../../ports/index.ts'
import { isDomainName } from './dns-name.ts'
import type { DnsName } from './dns-name.ts'
import { Doors } from './doors.ts'
import type { DoorsOptions } from './doors.ts'
import type { NameService } from './name-service.ts'
import { mayLead } from './reach.ts'
import { lookUpKeys } from './zone.ts'

/** Between two look-ups while somebody is missed or something is wrong; twice as long each time. */
const FIRST_INTERVAL_MS = 2_000
/** At rest. Records that live longer are the name server's to remember. */
const MAX_INTERVAL_MS = 30_000
/** Addresses of one name that count, those of one host that are looked at, and hosts of one service. */
const MAX_ADDRESSES = 32
const MAX_LOOKED_AT = 256
const MAX_HOSTS = 16
/** Of the hosts of one service, those are left out that are not found within it. */
const HOSTS_MS = 10_000
/** Keys that are looked up in a zone at a time. */
const MAX_KEYS = 32

export interface NameWatchOptions extends DoorsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly name: DnsName
  readonly service: NameService
  readonly heard: (candidate: Candidate) => void
  /** It failed, in words, or works: null. */
  readonly outcome: (failure: string | null) => void
}

/** Looks one name up, again and again; sooner when somebody is missed who was not before. */
export class NameWatch {
  readonly #options: NameWatchOptions
  readonly #doors: Doors
  #self: SelfDescription
  #missing: ReadonlySet<string> = new Set()
  #turn = 0
  #intervalMs = FIRST_INTERVAL_MS
  #lookedAt = Number.NEGATIVE_INFINITY
  #isLooking = false
  #isStopped = false
  #timer: Timer | null = null

  constructor(options: NameWatchOptions, self: SelfDescription) {
    this.#options = options
    this.#doors = new Doors(options)
    this.#self = self
    this.#lookIn(0)
  }

  announce(self: SelfDescription): void {
    this.#self = self
  }

  seek(missing: readonly string[]): void {
    const before = this.#missing
    this.#missing = new Set(missing)
    if (!missing.some((endpointId) => !before.has(endpointId))) return
    this.#intervalMs = FIRST_INTERVAL_MS
    if (!this.#isLooking) this.#lookIn(Math.max(0, this.#lookedAt + FIRST_INTERVAL_MS - this.#options.clock.now()))
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#options.service.close()
  }

  #lookIn(delayMs: number): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#look().catch((error: Error) => this.#options.outcome(error.message))
    })
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    this.#lookedAt = this.#options.clock.now()
    const failure = await this.#lookNow().catch((error: Error) => error.message)
    this.#isLooking = false
    if (this.#isStopped) return
    this.#options.outcome(failure)
    this.#lookIn(this.#nextInterval(failure !== null || this.#missing.size > 0))
  }

  #nextInterval(isWanting: boolean): number {
    const intervalMs = isWanting ? this.#intervalMs : MAX_INTERVAL_MS
    this.#intervalMs = isWanting ? Math.min(2 * intervalMs, MAX_INTERVAL_MS) : FIRST_INTERVAL_MS
    return randomBetween(this.#options.random, intervalMs, Math.floor(1.2 * intervalMs))
  }

  /** What is wrong, in words; null where nothing is. */
  async #lookNow(): Promise<string | null> {
    const { name, service } = this.#options
    if (name.kind === 'zone') return lookUpKeys(service, name.name, this.#keysInTurn(), (found) => this.#tell(found))
    const addresses = name.kind === 'host' ? await this.#addressesOf(name.name, name.port ?? 0) : await this.#addressesOfService()
    const others = addresses.filter(({ host, port }) => !this.#self.addresses.includes(formatAddress(host, port)))
    return this.#askWhoListens(unique(others).slice(0, MAX_ADDRESSES))
  }

  /** So that in the end each has its turn, of however many. */
  #keysInTurn(): readonly string[] {
    const keys = [...this.#missing]
    const from = this.#turn < keys.length ? this.#turn : 0
    this.#turn = from + MAX_KEYS
    return keys.slice(from, this.#turn)
  }

  async #addressesOf(host: string, port: number): Promise<readonly Address[]> {
    const found = await this.#options.service.addresses(host)
    const usable = found.slice(0, MAX_LOOKED_AT).filter((address) => mayLead(this.#self.addresses, address))
    if (usable.length === 0) throw new Error(`${host} leads to no address that this node may be sent to`)
    return usable.map((address) => ({ host: address, port }))
  }

  async #addressesOfService(): Promise<readonly Address[]> {
    const { name, service, clock } = this.#options
    const records = await service.services(name.name)
    const hosts = records.filter(({ host, port }) => port > 0 && isDomainName(host)).slice(0, MAX_HOSTS)
    if (hosts.length === 0) throw new Error(`${name.name} names no host that makes sense`)
    const until = clock.now() + HOSTS_MS
    const found: Address[] = []
    let failure: Error | null = null
    for (const { host, port } of hosts) {
      if (clock.now() > until || this.#isStopped) break
      try {
        found.push(...(await this.#addressesOf(host, port)))
      } catch (error) {
        failure ??= error as Error
      }
    }
    if (found.length === 0 && failure !== null) throw failure
    return found
  }

  async #askWhoListens(addresses: readonly Address[]): Promise<string | null> {
    const answers = await this.#doors.ask(addresses, this.#missing)
    const byKey = new Map<string, string[]>()
    const silent: string[] = []
    for (const [address, endpointId] of answers) {
      if (endpointId === undefined) silent.push(address)
      else byKey.set(endpointId, [...(byKey.get(endpointId) ?? []), address])
    }
    for (const [endpointId, found] of byKey) this.#tell({ endpointId, addresses: found, relay: null })
    return silent.length === 0
      ? null
      : `no node answers at ${silent.slice(0, 4).join(', ')}${silent.length > 4 ? ' and others' : ''}`
  }

  #tell({ endpointId, addresses, relay }: Pick<Candidate, 'endpointId' | 'addresses' | 'relay'>): void {
    if (this.#isStopped || endpointId === this.#self.endpointId) return
    const usable = addresses.filter((address) => mayLead(this.#self.addresses, hostOf(address))).slice(0, MAX_ANNOUNCED_ADDRESSES)
    if (usable.length === 0 && relay === null) return
    this.#options.heard({ endpointId, nodeId: null, clusterId: null, addresses: usable, relay })
  }
}

function hostOf(address: string): string {
  return (
    /^(?:\[(.*)\]|(.*)):\d+$/
      .exec(address)
      ?.slice(1)
      .find((host) => host !== undefined) ?? ''
  )
}

function unique(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [formatAddress(address.host, address.port), address])).values()]
}
