/**
 * Finds the nodes of a local network, and is found (RFC 6762, RFC 6763). A node is announced on the interfaces that it listens on, and on each
 * with the addresses that it has there. What is heard is a candidate to be dialled, no more; whoever has another cookie is left out, by 16 bits.
 *
 * Bounds: so many packets are looked into a second, half of them of one neighbour, who can speak first of so many nodes; so many are remembered in all;
 * and no more is said than one answer a second on each interface. When there is a flood of anything, nothing is heard for a moment.
 */
import { parseAddress } from '../../api/index.ts'
import type { Random } from '../../lib/index.ts'
import type { Candidate, Clock, Discovery, DiscoveryReport, Logger, SelfDescription, Timer } from '../../ports/index.ts'
import { asksFor, decodePacket, encodeAnnouncement, encodeQuery, heardIn, isOfInterest, TTL_SECONDS } from './announcement.ts'
import type { Interface, Multicast, MulticastListener, OpenMulticast } from './multicast.ts'
import { Allowance, Bucket } from './allowance.ts'
import { HeardTable } from './heard-table.ts'
import { Networks } from './networks.ts'

/** How often it is looked which interfaces there are. */
const LOOK_MS = 2_000
/** RFC 6762, section 6: answers of several nodes to one question are spread. */
const ANSWER_DELAY_MS = 20
const ANSWER_SPREAD_MS = 100
/** No record is said again within it (RFC 6762, section 6). */
const ANSWER_INTERVAL_MS = 1_000
/** Between the first two questions; then twice as long each time (RFC 6762, section 5.2). */
const FIRST_QUESTION_MS = 1_000
const MAX_QUESTION_MS = 3_600_000
/** Of a machine with more, such as one full of containers, the others are left out: each takes a socket, and the system has a bound of 20. */
const MAX_INTERFACES = 16
/** Packets of all kinds a second. That many are said by who wants to do harm: taking them in costs a tenth of a processor by itself. */
const MAX_PACKETS_PER_SECOND = 10_000
/** So many instances go with a question as known, and were heard of within half of their time to live. */
const MAX_KNOWN = 32
const KNOWN_MS = (TTL_SECONDS * 1_000) / 2

export interface MdnsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly interfaces: () => readonly Interface[]
  readonly open: OpenMulticast
  /** 4 hexadecimal digits that follow from the cookie. */
  readonly scope: () => Promise<string>
}

export class MdnsDiscovery implements Discovery, MulticastListener {
  readonly source = 'mdns'
  readonly #options: MdnsOptions
  readonly #heard: HeardTable
  readonly #allowance: Allowance
  readonly #packets: Bucket
  #tell: (candidate: Candidate) => void = () => undefined
  #self: SelfDescription | null = null
  #scope: string | null = null
  #multicast: Multicast | null = null
  #interfaces: readonly Interface[] = []
  #networks = new Networks([])
  #leftOut = 0
  readonly #failures = new Map<string | null, string>()
  /** By interface: when it was spoken on last, and when it will be. */
  readonly #saidAt = new Map<string, number>()
  readonly #answering = new Map<string, Timer>()
  /** By interface that works since a moment ago. */
  readonly #repeating = new Map<string, Timer>()
  #missing: ReadonlySet<string> = new Set()
  #asking: Timer | null = null
  #askedAt = Number.NEGATIVE_INFINITY
  #looking: Timer | null = null
  #isStopped = false

  constructor(options: MdnsOptions) {
    this.#options = options
    this.#heard = new HeardTable(options.clock)
    this.#allowance = new Allowance(options.clock)
    this.#packets = new Bucket(MAX_PACKETS_PER_SECOND, options.clock.now())
  }

  start(self: SelfDescription, heard: (candidate: Candidate) => void): void {
    this.#self = self
    this.#tell = heard
    this.#options.scope().then(
      (scope) => this.#begin(scope),
      (error: unknown) => this.failed(null, error as Error),
    )
  }

  #begin(scope: string): void {
    if (this.#isStopped) return
    this.#scope = scope
    this.#multicast = this.#options.open(this)
    this.#look()
    this.#ask(this.#spread(), FIRST_QUESTION_MS)
  }

  announce(self: SelfDescription): void {
    const before = this.#self
    this.#self = self
    if (this.#multicast === null || JSON.stringify(before) === JSON.stringify(self)) return
    this.#useInterfaces()
    for (const one of this.#interfaces) this.#announceOn(one.address, 0)
  }

  /** Whoever moves says so: what is missed for long is asked for as often as everybody is. */
  seek(missing: readonly string[]): void {
    const before = this.#missing
    this.#missing = new Set(missing)
    if (missing.some((endpointId) => !before.has(endpointId))) this.#askSoon()
  }

  #askSoon(): void {
    const { clock } = this.#options
    if (this.#multicast === null || this.#isStopped) return
    this.#ask(Math.max(this.#spread(), this.#askedAt + FIRST_QUESTION_MS - clock.now()), FIRST_QUESTION_MS)
  }

  report(): DiscoveryReport {
    const places = this.#interfaces.map(({ name, address }) => `${name} (${address})`)
    const detail =
      places.length === 0 ? 'on no interface: this node listens on none that it could use' : `on ${places.join(', ')}`
    const [failure] = this.#failures.values()
    const more = this.#leftOut === 0 ? '' : `, and not on ${this.#leftOut} more`
    return { source: this.source, detail: `${detail}${more}`, lastError: failure ?? null }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#looking?.cancel()
    this.#asking?.cancel()
    for (const timer of [...this.#answering.values(), ...this.#repeating.values()]) timer.cancel()
    const multicast = this.#multicast
    if (multicast === null) return
    for (const one of this.#interfaces) this.#sayOn(one, 0)
    this.#multicast = null
    await multicast.close()
  }

  // --- Interfaces ---

  #look(): void {
    this.#useInterfaces()
    this.#looking = this.#options.clock.setTimer(LOOK_MS, () => this.#look())
  }

  /** Those that this node listens on. New ones are asked at once. */
  #useInterfaces(): void {
    const self = this.#self
    if (self === null || this.#multicast === null) return
    const listened = new Set(self.addresses.flatMap((address) => parseAddress(address)?.host ?? []))
    const before = new Set(this.#interfaces.map(({ address }) => address))
    const usable = this.#options.interfaces().filter(({ addresses }) => addresses.some((address) => listened.has(address)))
    this.#interfaces = usable.slice(0, MAX_INTERFACES)
    this.#leftOut = usable.length - this.#interfaces.length
    this.#networks = new Networks(this.#interfaces)
    this.#multicast.use(this.#interfaces)
    for (const address of this.#failures.keys())
      if (address !== null && !this.#interfaces.some((one) => one.address === address)) this.#failures.delete(address)
    const isNew = this.#interfaces.some(({ address }) => !before.has(address))
    if (isNew) this.#askSoon()
  }

  works(address: string | null): void {
    this.#failures.delete(address)
    if (address === null) return
    // Twice, for the first may be lost (RFC 6762, section 8.3).
    this.#announceOn(address, 0)
    this.#repeating.get(address)?.cancel()
    this.#repeating.set(
      address,
      this.#options.clock.setTimer(ANSWER_INTERVAL_MS, () => {
        this.#repeating.delete(address)
        this.#announceOn(address, 0)
      }),
    )
  }

  failed(address: string | null, error: Error): void {
    const words = `${(error as NodeJS.ErrnoException).code ?? 'FAILED'}: ${error.message}`
    const isNews = this.#failures.get(address) !== words
    this.#failures.set(address, words)
    if (!isNews) return
    const facts = { interface: address ?? 'all', reason: error.message }
    const same = { cause: 'MDNS_FAILED', from: address ?? '' }
    this.#options.logger.log('warn', 'peers of the local network are not found for now; it is tried again', facts, same)
  }

  /** Until the next look. */
  #rest(): void {
    this.#multicast?.rest()
    this.failed(null, new Error(`somebody says more than ${MAX_PACKETS_PER_SECOND} things a second: most of it is not heard`))
  }

  // --- What is said ---

  #spread(): number {
    return ANSWER_DELAY_MS + (this.#options.random.nextUint32() % ANSWER_SPREAD_MS)
  }

  /** Once, however many ask meanwhile. */
  #announceOn(address: string, delayMs: number): void {
    if (this.#answering.has(address) || this.#isStopped) return
    const { clock } = this.#options
    const earliest = (this.#saidAt.get(address) ?? Number.NEGATIVE_INFINITY) + ANSWER_INTERVAL_MS - clock.now()
    const timer = clock.setTimer(Math.max(delayMs, earliest), () => {
      this.#answering.delete(address)
      const one = this.#interfaces.find((each) => each.address === address)
      if (one !== undefined) this.#sayOn(one, TTL_SECONDS)
    })
    this.#answering.set(address, timer)
  }

  /** The addresses that this node has there, and no others. */
  #sayOn({ address, addresses }: Interface, ttl: number): void {
    const self = this.#self
    const scope = this.#scope
    if (self === null || scope === null) return
    const own = self.addresses.filter((one) => addresses.includes(parseAddress(one)?.host ?? ''))
    this.#saidAt.set(address, this.#options.clock.now())
    this.#multicast?.say(address, encodeAnnouncement({ self: { ...self, addresses: own }, scope }, ttl))
  }

  #ask(delayMs: number, nextMs: number): void {
    this.#asking?.cancel()
    this.#asking = this.#options.clock.setTimer(delayMs, () => {
      this.#askedAt = this.#options.clock.now()
      // It knows itself: it hears what it asks.
      const question = encodeQuery([this.#self?.endpointId ?? '', ...this.#heard.latest(MAX_KNOWN, KNOWN_MS)])
      for (const { address } of this.#interfaces) this.#multicast?.say(address, question)
      this.#ask(nextMs, Math.min(2 * nextMs, MAX_QUESTION_MS))
    })
  }

  // --- What is heard ---

  heard(bytes: Buffer, from: string): void {
    const self = this.#self
    if (self === null || this.#isStopped) return
    if (!this.#packets.take(this.#options.clock.now())) return this.#rest()
    if (!isOfInterest(bytes)) return
    const near = this.#networks.towards(from)
    if (near.length === 0 || !this.#allowance.take(from)) return
    const packet = decodePacket(bytes)
    if (packet === null) return
    if (asksFor(packet, self.endpointId)) for (const { address } of near) this.#announceOn(address, this.#spread())
    for (const { candidate: said, scope } of heardIn(packet, from)) {
      if (scope !== this.#scope || said.endpointId === self.endpointId) continue
      const candidate = { ...said, addresses: this.#networks.beside(from, said.addresses) }
      if (candidate.addresses.length > 0 && this.#heard.isNews(candidate, from)) this.#tell(candidate)
    }
  }
}
