/** Runs as a process of its own, with `--expose-gc`: prints what 1,000 peers take of a node's heap that has heard of them by gossip and over links. */
import { concatBytes, murmur64, Prng, utf8Encode } from '../../src/lib/index.ts'
import { MAX_PEERS } from '../../src/limits.ts'
import { GossipDiscovery, hintOfLink, PeerBook } from '../../src/peers/index.ts'
import type { PeerHint } from '../../src/peers/index.ts'
import type { ChannelHandler } from '../../src/ports/index.ts'
import { announcementInput, encodeAnnouncement, encodeGossip } from '../../src/wire/index.ts'
import { ManualClock } from '../manual-clock.ts'

const collect = (globalThis as { gc?: () => void }).gc
const NOW = 1_700_000_000_000
const TOPIC = new Uint8Array(32)
const idOf = (node: number): string => node.toString(16).padStart(16, '0').repeat(4)
const addressesOf = (node: number): string[] => [`203.0.113.${node % 250}:26000`, `[2001:db8::${node.toString(16)}]:26000`]

function heapUsed(): number {
  collect?.()
  collect?.()
  const { heapUsed: used, arrayBuffers } = process.memoryUsage()
  return used + arrayBuffers
}

function sign(endpointId: string, bytes: Uint8Array): Uint8Array {
  const hash = murmur64(concatBytes([utf8Encode(endpointId), bytes]))
  return concatBytes(Array.from({ length: 8 }, () => hash))
}

const clock = new ManualClock()
const book = new PeerBook({ now: () => clock.now() })
const handlers: ChannelHandler[] = []
const gossip = new GossipDiscovery({
  nodeId: 1,
  clock,
  random: new Prng(1),
  topic: TOPIC,
  wallClock: () => NOW + clock.now(),
  signatures: {
    endpointId: idOf(1),
    sign: (bytes) => sign(idOf(1), bytes),
    verify: (id, bytes, signature) => sign(id, bytes).toHex() === signature.toHex(),
  },
  links: {
    endpointId: idOf(1),
    peers: () => [],
    attach: (_, handler) => {
      handlers.push(handler)
      return { send: () => true, detach: () => undefined }
    },
  },
  host: {
    isSound: true,
    capacity: MAX_PEERS,
    clusterId: null,
    self: () => ({ clusterId: null, addresses: ['me:1'], relay: null }),
    heard: (hint: PeerHint) => void book.add(hint, 'gossip'),
    displaced: () => undefined,
    isNamed: () => false,
    warn: () => undefined,
  },
})
gossip.start()
const before = heapUsed()
for (let node = 2; node < MAX_PEERS + 2; node++) {
  const claims = { nodeId: node, clusterId: null, addresses: addressesOf(node), languageVersion: 1 }
  handlers[0]?.opened({ endpointId: idOf(node), claims })
  const said = { nodeId: node, endpointId: idOf(node), clusterId: null, addresses: addressesOf(node), relay: null }
  const body = encodeAnnouncement({ ...said, sequence: NOW, changed: NOW, time: NOW })
  const signature = sign(idOf(node), announcementInput(TOPIC, body))
  handlers[0]?.message(idOf(node), encodeGossip({ announcements: [{ body, signature }], digest: [], wanted: [] }))
  book.add(hintOfLink({ endpointId: idOf(node), claims }), 'link')
  clock.advance(1)
}
clock.advance(1_000)
const after = heapUsed()
process.stdout.write(JSON.stringify({ peers: book.entries().length, announced: gossip.report.known, bytes: after - before }))
