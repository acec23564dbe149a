/** `aspen-node peers`: what GET /peers says, for people. */
import type { PeerHearing, PeersReport, PeerView } from '../api/index.ts'
import { connectHttp } from '../client/index.ts'
import { EXIT } from './exit-code.ts'
import type { ProcessHost } from './node-program.ts'
import type { PeersArguments } from './peers-arguments.ts'

/** Of a key, for people: enough to tell keys apart. */
const SHOWN_DIGITS = 16
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** Resolves once the process has been told to exit. */
export async function runPeers(host: Pick<ProcessHost, 'print' | 'complain' | 'exit'>, flags: PeersArguments): Promise<void> {
  const client = connectHttp(flags.url, flags.token === null ? {} : { token: flags.token })
  try {
    for (const line of describePeers(await client.peers(), flags.explain)) host.print(line)
    host.exit(EXIT.OK)
  } catch (error) {
    host.complain(`aspen-node peers: ${flags.url}: ${error instanceof Error ? error.message : String(error)}`)
    host.exit(EXIT.FAILURE)
  } finally {
    client.close()
  }
}

export function describePeers({ peers, sources }: PeersReport, explain: boolean): string[] {
  const linked = peers.filter(({ state }) => state === 'connected').length
  const lines = [peers.length === 0 ? 'No peers are known.' : `${peers.length} known, ${linked} linked.`]
  for (const peer of peers) {
    lines.push('', ...describe(peer))
    if (explain) lines.push(...peer.sources.map((hearing) => `  ${heard(hearing)}`))
    else if (peer.addresses.length > 0) lines.push(`  at ${shown(peer.addresses.join(', '))}`)
  }
  if (!explain) return lines
  lines.push('', 'Sources:')
  const width = Math.max(...sources.map(({ source }) => source.length))
  for (const { source, detail, peers: count, lastError } of sources) {
    lines.push(`  ${source.padEnd(width)}  ${String(count).padStart(4)}  ${shown(detail)}`)
    if (lastError !== null) lines.push(`  ${' '.repeat(width)}        ${shown(lastError)}`)
  }
  return lines
}

function describe({ endpointId, nodeId, standing, state, path, relay, lastError }: PeerView): string[] {
  const name = nodeId === null ? 'unknown node' : `node ${nodeId}`
  const link = state === 'connected' ? `linked, ${path ?? 'over a path that it does not name'}` : STATES[state]
  const lines = [`${name}  ${shown(endpointId).slice(0, SHOWN_DIGITS)}...  ${standing}, ${link}`]
  if (relay !== null) lines.push(`  relay ${shown(relay)}`)
  if (lastError !== null) lines.push(`  last error: ${shown(lastError)}`)
  return lines
}

const STATES: Readonly<Record<Exclude<PeerView['state'], 'connected'>, string>> = {
  dialing: 'being dialled',
  waiting: 'not reached, is dialled again',
  known: 'not dialled now',
}

function heard({ source, addresses, ageMs }: PeerHearing): string {
  const what = addresses.length === 0 ? 'no address' : addresses.join(', ')
  return `${source}, ${ago(ageMs)} ago: ${shown(what)}`
}

/** In one unit, as people say it. */
function ago(ms: number): string {
  if (ms < 2 * SECOND_MS) return `${Math.round(ms)} ms`
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`
  return ms < 2 * DAY_MS ? `${Math.round(ms / HOUR_MS)} h` : `${Math.round(ms / DAY_MS)} days`
}

/** Peers have said it: nothing of it commands a terminal. */
function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?')
}
