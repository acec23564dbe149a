/**
 * Publishes where this node is under its key, signed, and looks up the keys that are missed: through a relay, and on the mainline DHT of BitTorrent,
 * whichever are configured, both if both are. Nothing is sent to anybody else. What is found is a candidate to be dialled, no more: the key has signed it, once.
 */
import type { Random } from '../../lib/index.ts'
import { MAX_PEERS } from '../../limits.ts'
import type { Candidate, Clock, Discovery, DiscoveryReport, Logger, SelfDescription, Signatures } from '../../ports/index.ts'
import { decodePlaces, encodePlaces } from './endpoint-packet.ts'
import { Lookups } from './lookups.ts'
import { Publisher } from './publisher.ts'
import type { RecordPlace } from './record-place.ts'
import { Freshness, Sequence } from './sequence.ts'
import type { WallClock } from './sequence.ts'
import { signRecord } from './signed-record.ts'
import type { SignedRecord } from './signed-record.ts'

export interface PkarrOptions {
  readonly clock: Clock
  readonly wallClock: WallClock
  readonly random: Random
  readonly logger: Logger
  readonly signatures: Signatures
  /** None: nothing is published, and nobody found. */
  readonly places: readonly RecordPlace[]
}

/** What is done at one place. */
interface Work {
  readonly place: RecordPlace
  readonly publisher: Publisher
  readonly lookups: Lookups
}

export class PkarrDiscovery implements Discovery {
  readonly source = 'pkarr'
  readonly #options: PkarrOptions
  readonly #sequence: Sequence
  readonly #freshness: Freshness
  readonly #works: readonly Work[]
  /** By what failed. */
  readonly #failures = new Map<string, string>()
  #tell: (candidate: Candidate) => void = () => undefined
  #self: SelfDescription | null = null
  #isStopped = false

  constructor(options: PkarrOptions) {
    this.#options = options
    this.#sequence = new Sequence(options.wallClock)
    this.#freshness = new Freshness(options.wallClock, MAX_PEERS)
    this.#works = options.places.map((place) => this.#workAt(place))
  }

  start(self: SelfDescription, heard: (candidate: Candidate) => void): void {
    this.#tell = heard
    this.announce(self)
  }

  announce(self: SelfDescription): void {
    const before = this.#self
    this.#self = self
    const isSame = before !== null && before.relay === self.relay && before.addresses.join() === self.addresses.join()
    if (!isSame) for (const { publisher } of this.#works) publisher.publish()
  }

  seek(missing: readonly string[]): void {
    for (const { lookups } of this.#works) lookups.seek(missing)
  }

  report(): DiscoveryReport {
    const places = this.#works.map(({ place }) => place.name)
    const nowhere = 'nowhere: neither pkarr_relay_url nor pkarr_dht_bootstrap is given'
    const detail = places.length === 0 ? nowhere : `through ${places.join(' and ')}`
    const [failure] = this.#failures.values()
    return { source: this.source, detail, lastError: failure ?? null }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { publisher, lookups } of this.#works) {
      publisher.stop()
      lookups.stop()
    }
    await Promise.all(this.#works.map(({ place }) => place.close()))
  }

  #workAt(place: RecordPlace): Work {
    const { clock, random, signatures } = this.#options
    const { endpointId } = signatures
    return {
      place,
      publisher: new Publisher({
        endpointId,
        place,
        clock,
        random,
        sequence: this.#sequence,
        record: (sequence) => this.#ownRecord(sequence),
        outcome: (failure) => this.#outcome(place, 'this node is not found', failure),
      }),
      lookups: new Lookups({
        place,
        clock,
        random,
        found: (key, record) => this.#found(key, record),
        outcome: (failure) => this.#outcome(place, 'others are not found', failure),
      }),
    }
  }

  #ownRecord(sequence: number): SignedRecord | null {
    const { signatures } = this.#options
    const self = this.#self
    if (self === null || (self.addresses.length === 0 && self.relay === null)) return null
    return signRecord(signatures, sequence, encodePlaces(signatures.endpointId, self))
  }

  #found(endpointId: string, { sequence, value }: SignedRecord): string | null {
    const objection = this.#freshness.objection(endpointId, sequence)
    if (objection !== null) return `the record of ${endpointId} is ${objection}`
    const places = decodePlaces(endpointId, value)
    if (places === null) return `the record of ${endpointId} says no address, or too many`
    if (!this.#isStopped) this.#tell({ endpointId, nodeId: null, clusterId: null, ...places })
    return null
  }

  #outcome(place: RecordPlace, what: string, failure: string | null): void {
    const key = `${place.name} ${what}`
    if (this.#isStopped) return
    if (failure === null) return void this.#failures.delete(key)
    const isNews = !this.#failures.has(key)
    this.#failures.set(key, `${place.name}: ${failure}`)
    if (!isNews) return
    const facts = { through: place.name, reason: failure }
    this.#options.logger.log('warn', `${what} by pkarr for now; it is tried again`, facts, { cause: 'PKARR_FAILED', from: key })
  }
}
