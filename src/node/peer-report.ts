/** What a node knows of others, for people and programs that ask. */
import type { KnownPeers, PeerHearing, PeersReport, PeerSourceView, PeerView } from '../api/index.ts'
import { ASKED_FOR_RANK, rankOf, standingOf } from '../peers/index.ts'
import type { GossipReport, PeerBook, PeerEntry, PeerSource } from '../peers/index.ts'
import type { Clock, DiscoveryReport, PeerReport, Transport } from '../ports/index.ts'

export interface PeerReportParts {
  readonly clock: Pick<Clock, 'now'>
  readonly transport: Pick<Transport, 'peers' | 'endpointId'>
  readonly peerBook: Pick<PeerBook, 'entries'>
}

export interface DiscoveryParts {
  /** Null where it is switched off. */
  readonly gossip: GossipReport | null
  readonly discoveries: readonly DiscoveryReport[]
}

/** Who spoke of a peer, whoever counts most first. */
export function hearingsOf(entry: PeerEntry | undefined, now: number): PeerHearing[] {
  const hints = [...(entry?.hints ?? [])].toSorted(([a], [b]) => rankOf(b) - rankOf(a))
  return hints.map(([source, { addresses, heardAt }]) => ({ source, addresses, ageMs: Math.max(0, Math.round(now - heardAt)) }))
}

/** Those in the book, by who spoke of them and whether they are linked. */
export function knownPeers({ transport, peerBook }: Omit<PeerReportParts, 'clock'>): KnownPeers[] {
  const linked = new Set(transport.peers().flatMap(({ endpointId, state }) => (state === 'connected' ? [endpointId] : [])))
  const counts = new Map<string, { source: PeerSource; connected: boolean; peers: number }>()
  for (const { endpointId, hints } of peerBook.entries()) {
    const connected = linked.has(endpointId)
    for (const source of hints.keys()) {
      const name = `${source}/${connected}`
      const known = counts.get(name)
      if (known === undefined) counts.set(name, { source, connected, peers: 1 })
      else known.peers++
    }
  }
  return [...counts.values()]
}

export function peersReport(parts: PeerReportParts, discovery: DiscoveryParts): PeersReport {
  const { transport, peerBook, clock } = parts
  const reports = new Map(transport.peers().map((report) => [report.endpointId, report]))
  const entries = new Map(peerBook.entries().map((entry) => [entry.endpointId, entry]))
  const now = clock.now()
  const keys = [...new Set([...entries.keys(), ...reports.keys()])].filter((key) => key !== transport.endpointId)
  const peers = keys.map((key) => viewOf(key, entries.get(key), reports.get(key), now))
  return { peers: peers.toSorted(byStanding), sources: sourceViews(peerBook, discovery) }
}

function viewOf(endpointId: string, entry: PeerEntry | undefined, report: PeerReport | undefined, now: number): PeerView {
  return {
    endpointId,
    nodeId: report?.claims?.nodeId ?? entry?.nodeId ?? null,
    standing: standing(entry),
    state: report?.state ?? 'known',
    path: report?.path ?? null,
    lastError: report?.lastError ?? null,
    addresses: entry?.addresses ?? [],
    relay: entry?.relay ?? null,
    sources: hearingsOf(entry, now),
  }
}

function standing(entry: PeerEntry | undefined): PeerView['standing'] {
  if (entry?.hints.has('membership') === true) return 'member'
  return entry !== undefined && standingOf(entry) >= ASKED_FOR_RANK ? 'named' : 'stranger'
}

const STANDINGS: readonly PeerView['standing'][] = ['member', 'named', 'stranger']

function byStanding(a: PeerView, b: PeerView): number {
  const difference = STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing)
  return difference === 0 ? (a.nodeId ?? Number.POSITIVE_INFINITY) - (b.nodeId ?? Number.POSITIVE_INFINITY) || 0 : difference
}

/** What those sources do that need no means of their own. */
const DETAILS: readonly (readonly [source: PeerSource, detail: string])[] = [
  ['membership', 'the configuration of the cluster'],
  ['peers', 'the setting peers'],
  ['add-peer', 'POST /add-peer'],
  ['ticket', 'a ticket'],
  ['link', 'the peers themselves, over their links'],
]

export function sourceViews(book: Pick<PeerBook, 'entries'>, { gossip, discoveries }: DiscoveryParts): PeerSourceView[] {
  const counts = new Map<PeerSource, number>()
  for (const { hints } of book.entries()) for (const source of hints.keys()) counts.set(source, (counts.get(source) ?? 0) + 1)
  const view = (source: PeerSource, detail: string, lastError: string | null = null): PeerSourceView => {
    return { source, detail, peers: counts.get(source) ?? 0, lastError }
  }
  const detail = gossip === null ? 'switched off: enable_gossip' : detailOf(gossip)
  return [
    ...DETAILS.map(([source, words]) => view(source, words)),
    view('gossip', detail, gossip === null ? null : troubleOf(gossip)),
    view('hearsay', 'what linked peers say of others that do not gossip'),
    ...discoveries.map((report) => view(report.source, report.detail, report.lastError)),
    ...(discoveries.some(({ source }) => source === 'mdns') ? [] : [view('mdns', 'switched off: enable_mdns')]),
  ]
}

function detailOf({ known, neighbours, sentBytes, receivedBytes }: GossipReport): string {
  return `announcements of ${known} peers through ${neighbours} neighbours; ${receivedBytes} bytes heard, ${sentBytes} said`
}

/** What a person should look into; null when there is nothing. */
function troubleOf({ heard }: GossipReport): string | null {
  const troubles = [
    [heard.forged, 'not signed by whom they were about'],
    [heard.malformed, 'messages that were no gossip'],
    [heard.skewed, 'old, or said by a clock that is minutes away from this one'],
    [heard.limited, 'more than a neighbour may say'],
    [heard.full, 'without room for them'],
  ] as const
  const words = troubles.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return words.length === 0 ? null : `announcements refused: ${words.join(', ')}`
}
