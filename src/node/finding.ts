/**
 * The means of finding peers beside the links: what they hear goes where all hearsay goes, and what this node says of itself follows what it is.
 * A node of another cluster is no candidate; of one that is in none, everybody is.
 */
import type { PeerHint } from '../peers/index.ts'
import type {
  Candidate,
  Clock,
  Discovery,
  DiscoveryReport,
  DiscoverySource,
  SelfDescription,
  Timer,
  Transport,
} from '../ports/index.ts'

/** How often it is looked whether this node is somewhere else. */
const LOOK_MS = 1_000

export interface FindingParts {
  readonly discoveries: readonly Discovery[]
  readonly transport: Pick<Transport, 'endpointId' | 'addresses' | 'relay' | 'announce' | 'peers'>
  readonly clock: Clock
  readonly nodeId: number
  readonly clusterId: () => string | null
  /** The keys of the members and of those that somebody named; this node's own may be among them, and one twice. */
  readonly wanted: () => readonly string[]
  readonly heard: (hint: PeerHint, source: DiscoverySource) => void
}

export class Finding {
  readonly #parts: FindingParts
  #said = ''
  #addresses = ''
  #missing: readonly string[] = []
  #timer: Timer | null = null

  constructor(parts: FindingParts) {
    this.#parts = parts
  }

  /** To be called when the transport listens. */
  start(): void {
    const self = this.#self()
    this.#note(self)
    for (const discovery of this.#parts.discoveries)
      discovery.start(self, (candidate) => this.#heard(candidate, discovery.source))
    this.#lookLater()
  }

  get reports(): readonly DiscoveryReport[] {
    return this.#parts.discoveries.map((discovery) => discovery.report())
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    await Promise.all(this.#parts.discoveries.map((discovery) => discovery.stop()))
  }

  #self(): SelfDescription {
    const { transport, nodeId, clusterId } = this.#parts
    return {
      endpointId: transport.endpointId,
      nodeId,
      clusterId: clusterId(),
      addresses: transport.addresses(),
      relay: transport.relay?.() ?? null,
    }
  }

  #note(self: SelfDescription): void {
    this.#said = JSON.stringify(self)
    this.#addresses = self.addresses.join()
  }

  #lookLater(): void {
    this.#timer = this.#parts.clock.setTimer(LOOK_MS, () => {
      this.#look()
      this.#lookLater()
    })
  }

  #look(): void {
    const { transport, discoveries } = this.#parts
    const self = this.#self()
    if (JSON.stringify(self) !== this.#said) {
      // Those who are linked are told as well.
      if (self.addresses.join() !== this.#addresses) transport.announce({ addresses: self.addresses })
      this.#note(self)
      for (const discovery of discoveries) discovery.announce(self)
    }
    const missing = this.#findMissing()
    if (missing.join() === this.#missing.join()) return
    this.#missing = missing
    for (const discovery of discoveries) discovery.seek(missing)
  }

  #findMissing(): string[] {
    const { transport, wanted } = this.#parts
    const linked = new Set(transport.peers().flatMap(({ endpointId, state }) => (state === 'connected' ? [endpointId] : [])))
    return [...new Set(wanted())].filter((endpointId) => endpointId !== transport.endpointId && !linked.has(endpointId)).sort()
  }

  #heard({ endpointId, nodeId, clusterId, addresses, relay }: Candidate, source: DiscoverySource): void {
    const { transport, clusterId: own, heard } = this.#parts
    if (endpointId === transport.endpointId) return
    const ours = own()
    if (clusterId !== null && ours !== null && clusterId !== ours) return
    heard({ endpointId, nodeId, addresses, relay }, source)
  }
}
