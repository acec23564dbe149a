/** Somebody who has the cookie, is linked with some nodes, and does not play by the rules of gossip. */
import { pick, randomBetween } from '../../src/lib/index.ts'
import type { Prng } from '../../src/lib/index.ts'
import { GOSSIP_CHANNEL } from '../../src/ports/index.ts'
import type { Channel, Transport } from '../../src/ports/index.ts'
import { forkPrng, Life, simEndpointId, simSignatures } from '../../src/simulation/index.ts'
import { announcementInput, decodeGossip, encodeAnnouncement, encodeGossip } from '../../src/wire/index.ts'
import type { GossipMessage, SignedAnnouncement } from '../../src/wire/index.ts'
import { cannotBe, EPOCH, TOPIC } from './gossip-node.ts'
import type { GossipWorld } from './gossip-world.ts'

/** What a liar does: passes on what is old; speaks in the name of others; invents peers; says what is no gossip; offers what it does not have. */
export const LIES = ['replay', 'forge', 'invent', 'babble', 'tempt'] as const
export type Lie = (typeof LIES)[number]

/** No honest node is ever there. */
export const LIARS_ADDRESS = '6.6.6.6:666'
/** Ids of peers that there are not. */
export const INVENTED_FROM = 1_000_000

const PERIOD_MS = 500
const MAX_KEPT = 2_000
const NOTHING: GossipMessage = { announcements: [], digest: [], wanted: [] }

export class Liar {
  readonly endpointId: string
  readonly #world: GossipWorld
  readonly #lie: Lie
  readonly #random: Prng
  readonly #life: Life
  readonly #transport: Transport
  readonly #linked = new Set<string>()
  /** What it has heard, to be said again. */
  readonly #heard: SignedAnnouncement[] = []
  #channel: Channel | null = null
  #invented = INVENTED_FROM

  constructor(world: GossipWorld, id: number, lie: Lie) {
    const { seed, scheduler, network } = world
    this.endpointId = simEndpointId(id)
    this.#world = world
    this.#lie = lie
    this.#random = forkPrng(seed, `liar ${id}`)
    this.#life = new Life(scheduler, `liar ${id}`)
    this.#transport = network.attach(this.endpointId, this.#life)
    this.#invented += id * INVENTED_FROM
  }

  /** Links itself with so many nodes, and begins. */
  start(id: number, links: number): void {
    this.#channel = this.#transport.attach(GOSSIP_CHANNEL, {
      opened: ({ endpointId }) => void this.#linked.add(endpointId),
      claimed: () => undefined,
      closed: (endpointId) => void this.#linked.delete(endpointId),
      refused: () => undefined,
      message: (_, bytes) => this.#heard.push(...decodeGossip(bytes).announcements.slice(0, MAX_KEPT - this.#heard.length)),
    })
    const claims = { nodeId: id, clusterId: null, addresses: [LIARS_ADDRESS], languageVersion: 1 }
    this.#transport.start(claims).catch(cannotBe)
    for (let i = 0; i < links; i++) {
      const { endpointId } = pick(this.#random, this.#world.nodes)
      this.#transport.connect({ endpointId, addresses: [], relay: null })
    }
    this.#lieLater()
  }

  #lieLater(): void {
    this.#life.clock.setTimer(PERIOD_MS, () => {
      for (const to of this.#linked) this.#channel?.send(to, [this.#said()], 'normal')
      this.#lieLater()
    })
  }

  #said(): Uint8Array {
    switch (this.#lie) {
      case 'replay':
        return encodeGossip({ ...NOTHING, announcements: this.#some(this.#heard, 16) })
      case 'forge':
        return encodeGossip({ ...NOTHING, announcements: [this.#forged()] })
      case 'invent':
        return encodeGossip({ ...NOTHING, announcements: Array.from({ length: 4 }, () => this.#inventedOne()) })
      case 'babble':
        return Uint8Array.from({ length: randomBetween(this.#random, 1, 2_000) }, () => this.#random.nextUint32() & 255)
      case 'tempt':
        return encodeGossip({ ...NOTHING, digest: this.#world.nodes.map(({ endpointId }) => this.#promise(endpointId)) })
    }
  }

  #promise(endpointId: string): GossipMessage['digest'][number] {
    const sequence = EPOCH + 10 * this.#world.scheduler.now + 1_000_000
    return { shortId: endpointId.slice(-16), sequence, changed: sequence }
  }

  #some<T>(all: readonly T[], most: number): T[] {
    return all.length === 0 ? [] : Array.from({ length: most }, () => pick(this.#random, all))
  }

  /** In the name of an honest node, with what is no signature of it. */
  #forged(): SignedAnnouncement {
    return this.#announced(pick(this.#random, this.#world.nodes).id, this.endpointId)
  }

  #inventedOne(): SignedAnnouncement {
    const id = ++this.#invented
    return this.#announced(id, simEndpointId(id))
  }

  #announced(nodeId: number, signer: string): SignedAnnouncement {
    const time = EPOCH + Math.floor(this.#world.scheduler.now)
    const said = { nodeId, endpointId: simEndpointId(nodeId), clusterId: null, addresses: [LIARS_ADDRESS], relay: null }
    const body = encodeAnnouncement({ ...said, sequence: time + 1_000, changed: time + 1_000, time })
    return { body, signature: simSignatures(signer).sign(announcementInput(TOPIC, body)) }
  }
}
