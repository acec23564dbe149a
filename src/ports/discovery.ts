/** Where a peer may be found, as one means of finding peers heard of it. It is a candidate for a dial: the handshake decides. */
export interface Candidate {
  readonly endpointId: string
  /** Null where nothing was said of it. */
  readonly nodeId: number | null
  /** The cluster that it says to belong to; null while it belongs to none, or where nothing was said. */
  readonly clusterId: string | null
  /** `host:port`. */
  readonly addresses: readonly string[]
  /** A relay's URL, for transports that use one. */
  readonly relay: string | null
}

/** What a node says of itself to whoever may look for it. */
export type SelfDescription = Candidate & { readonly nodeId: number }

export type DiscoverySource = 'mdns' | 'dns' | 'pkarr'

/** How one means of finding peers is doing, for people. */
export interface DiscoveryReport {
  readonly source: DiscoverySource
  /** What it does, and where: interfaces, URLs. */
  readonly detail: string
  /** Why the last attempt failed, in words; null while it works. */
  readonly lastError: string | null
}

/**
 * One means of finding peers beside the links, and of being found by it. What it hears was said by anybody: a filter at best, never a proof.
 * It survives whatever happens to what it uses, interfaces that come and go among it, says once what is wrong, and goes on trying.
 */
export interface Discovery {
  readonly source: DiscoverySource
  /** Begins, and calls `heard` from now on, never from inside of a call to it; once for what is said again at most every few seconds. */
  start(self: SelfDescription, heard: (candidate: Candidate) => void): void
  /** The node has other addresses, or another cluster. */
  announce(self: SelfDescription): void
  /**
   * These keys are missed: of members, and of those that somebody named, the ones that are not linked. Said again whenever that changes. Who is
   * new among them is looked for now, within the bounds of how often it may; the others as often as this means does by itself.
   */
  seek(missing: readonly string[]): void
  report(): DiscoveryReport
  stop(): Promise<void>
}
