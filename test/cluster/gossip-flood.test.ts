/** A member of a real cluster that does not play by the rules of gossip: the others go on, and know whom they knew. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { deriveTopic } from '../../src/cluster/topic.ts'
import { Prng } from '../../src/lib/index.ts'
import { MAX_PEERS_BY_NEIGHBOUR } from '../../src/limits.ts'
import { DirectTransport, generateIdentity, signaturesOf } from '../../src/net/index.ts'
import { GOSSIP_CHANNEL, noMetrics, silentLogger } from '../../src/ports/index.ts'
import type { Channel } from '../../src/ports/index.ts'
import { announcementInput, encodeAnnouncement, encodeGossip } from '../../src/wire/index.ts'
import type { SignedAnnouncement } from '../../src/wire/index.ts'
import type { AspenNode } from '../../src/cluster/index.ts'
import { eventually, formThree, testNodes } from './nodes.ts'

const COOKIE = 'test-cookie'
const INVENTED = 600

/** Somebody with the cookie, linked with a node; it says what it is given. */
class Liar {
  readonly identity = generateIdentity()
  #channel: Channel | null = null
  #isLinked = false

  async start(t: TestContext, victim: AspenNode): Promise<void> {
    const { clusterId, addresses } = victim.status()
    const transport = new DirectTransport({
      identity: this.identity,
      cookie: COOKIE,
      host: '127.0.0.1',
      port: 0,
      logger: silentLogger,
      metrics: noMetrics,
      random: new Prng(1),
    })
    t.after(() => transport.close())
    this.#channel = transport.attach(GOSSIP_CHANNEL, {
      opened: () => void (this.#isLinked = true),
      claimed: () => undefined,
      closed: () => void (this.#isLinked = false),
      refused: () => undefined,
      message: () => undefined,
    })
    await transport.start({ nodeId: 66, clusterId, addresses: [], languageVersion: 1 })
    transport.connect({ endpointId: victim.endpointId, addresses, relay: null })
    await eventually('the liar is linked', () => this.#isLinked)
  }

  say(to: AspenNode, announcements: readonly SignedAnnouncement[]): void {
    this.#channel?.send(to.endpointId, [encodeGossip({ announcements, digest: [], wanted: [] })], 'normal')
  }
}

/** What somebody says of themselves, or another of them. */
function announced(endpointId: string, nodeId: number, topic: Uint8Array, signer = generateIdentity()): SignedAnnouncement {
  const time = Date.now()
  const said = { endpointId, nodeId, clusterId: null, addresses: ['127.0.0.1:1'], relay: null }
  const body = encodeAnnouncement({ ...said, sequence: time + 60_000, changed: time + 60_000, time })
  return { body, signature: signaturesOf(signer).sign(announcementInput(topic, body)) }
}

async function heardBytes(node: AspenNode): Promise<number> {
  const { sources } = await node.peers()
  const detail = sources.find(({ source }) => source === 'gossip')?.detail ?? ''
  return Number(/(\d+) bytes heard/.exec(detail)?.[1])
}

test('AspenNode: a flood of invented peers is cut off; members stay known, led and written to', async (t) => {
  const nodes = testNodes(t)
  const all = await formThree(nodes)
  const [victim, other] = all
  const topic = await deriveTopic(COOKIE)
  const liar = new Liar()
  await liar.start(t, victim)
  for (let at = 0; at < INVENTED; at++) {
    const identity = generateIdentity()
    liar.say(victim, [announced(identity.endpointId, 1_000 + at, topic, identity)])
    if (at % 50 === 0) await victim.write({ Set: { key: `k${at}`, value: 'v' } })
  }
  const trouble = await eventually('it was cut off', async () => {
    const { sources } = await victim.peers()
    const gossip = sources.find(({ source }) => source === 'gossip')
    return gossip?.lastError?.includes('more than a neighbour may say') === true ? gossip : false
  })
  assert.ok(trouble.peers > 10 && trouble.peers <= MAX_PEERS_BY_NEIGHBOUR + all.length, `${trouble.peers} peers`)
  await eventually('the members are linked', async () => {
    const { peers } = await victim.peers()
    return peers.filter(({ standing, state }) => standing === 'member' && state === 'connected').length === 2
  })
  await eventually('the others are well', () => other.status().checks.every(({ ok }) => ok))
})

test('AspenNode: who speaks in the name of a member is not believed, and not listened to', async (t) => {
  const nodes = testNodes(t)
  const [victim, other] = await formThree(nodes)
  const topic = await deriveTopic(COOKIE)
  const liar = new Liar()
  await liar.start(t, victim)
  liar.say(victim, [announced(other.endpointId, other.nodeId, topic, liar.identity)])
  await eventually('it was found out', async () => {
    const { sources } = await victim.peers()
    return sources.find(({ source }) => source === 'gossip')?.lastError?.includes('1 not signed by whom they were about')
  })
  const invented = generateIdentity()
  const before = await heardBytes(victim)
  liar.say(victim, [announced(invented.endpointId, 77, topic, invented)])
  await eventually('it was heard', async () => (await heardBytes(victim)) > before)
  const { peers } = await victim.peers()
  assert.deepEqual(peers.find(({ endpointId }) => endpointId === other.endpointId)?.addresses, other.status().addresses)
  assert.ok(!peers.some(({ endpointId }) => endpointId === invented.endpointId))
})
