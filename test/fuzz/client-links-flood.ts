/** A node that serves clients, and proven clients that talk nonsense to it, among them one that does not. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { chance, concatBytes, Prng, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { generateIdentity } from '../../src/net/index.ts'
import type { NodeIdentity } from '../../src/net/index.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import {
  CLIENT_PROTOCOL,
  decodeClientAnswer,
  decodeClientRequest,
  decodeReason,
  FrameDecoder,
  FrameQueue,
  UnknownMessageError,
  varintSize,
  WireError,
} from '../../src/wire/index.ts'
import { connectTo, startLinkNode } from '../client/link-world.ts'
import type { LinkNode } from '../client/link-world.ts'
import { eventually } from '../contracts/transport-observer.ts'
import { acknowledging, closed, openLink } from '../contracts/transport-raw-peer.ts'
import { bytesOf, checkAnswer, checkRequest, randomRequest } from './client-messages.ts'
import { flood, Tally } from './flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

const REQUESTS_PER_LINK = 40
/** Of ten links in a row, those whose requests keep their type and number, whatever becomes of the rest, and those whose frames are damaged. */
const NUMBERED = 7
const DAMAGED = [0, 8]
const LINKS_AT_A_TIME = 4
const IDENTITIES = Array.from({ length: LINKS_AT_A_TIME }, () => generateIdentity())

/** Channel, group and type, which stand before a request's number. */
const BEFORE_NUMBER = 3

/** Each request is answered once, unless it is for what this node does not have, or has no number: then the link ends there. */
interface Expected {
  readonly frames: Uint8Array
  readonly ids: number[]
  readonly unknown: number
  readonly endsEarly: boolean
}

/** Damages what comes behind the first `kept` bytes. */
function damage(random: Random, bytes: Uint8Array, kept: number): Uint8Array {
  const rest = bytes.subarray(kept)
  return concatBytes([bytes.subarray(0, kept), chance(random, 0.05) ? randomBytes(random, 60) : mutateBytes(random, rest, rest)])
}

function expected(random: Random, count: number, numbered: boolean): Expected {
  const queue = new FrameQueue(64 * 1024 * 1024, (size) => new Uint8Array(size))
  const ids: number[] = []
  let unknown = 0
  let endsEarly = false
  for (let id = 1; id <= count; id++) {
    const sound = bytesOf(randomRequest(random, id))
    const bytes = chance(random, 0.4) ? sound : damage(random, sound, numbered ? BEFORE_NUMBER + varintSize(id) : 0)
    queue.push('bulk', [bytes])
    if (endsEarly) continue
    try {
      ids.push(decodeClientRequest(bytes).id)
    } catch (error) {
      assert.ok(error instanceof WireError)
      if (error instanceof UnknownMessageError) unknown++
      else endsEarly = true
    }
  }
  const parts: Uint8Array[] = []
  for (let part = queue.take(1 << 20); part !== undefined; part = queue.take(1 << 20)) parts.push(part.slice())
  return { frames: concatBytes(parts), ids, unknown, endsEarly }
}

async function nonsense(random: Random, node: LinkNode, identity: NodeIdentity, count: number, tally: Tally): Promise<void> {
  tally.add('links')
  const turn = tally.count('links') % 10
  const { frames, ids, unknown, endsEarly } = expected(random, count, turn < NUMBERED)
  const { socket } = await openLink(node.transport, 0, identity, CLIENT_PROTOCOL)
  const answered: number[] = []
  let drained = false
  let reason: string | undefined
  const decoder = new FrameDecoder({
    message: (_lane, bytes) => {
      const answer = decodeClientAnswer(bytes)
      if (answer.type === 'drained') drained = true
      else {
        answered.push(answer.id)
        tally.add(answer.type === 'error' ? answer.code : answer.type)
      }
    },
    control: (kind, bytes) => {
      if (kind === 'goodbye') reason = decodeReason(bytes).code
    },
    counted: acknowledging(socket),
  })
  let problem: WireError | undefined
  socket.on('data', (chunk: Buffer) => {
    problem ??= decoder.push(chunk)
  })
  const damaged = DAMAGED.includes(turn)
  const bytes = damaged ? mutateBytes(random, frames, frames) : frames
  for (let at = 0; at < bytes.length;) {
    const end = at + randomBetween(random, 1, 4_000)
    socket.write(bytes.subarray(at, end))
    at = end
  }
  if (damaged) socket.end()
  else if (!endsEarly) {
    await eventually(() => answered.length >= ids.length || socket.closed, 'the answers')
    socket.end()
  }
  await closed(socket)
  assert.equal(problem, undefined)
  assert.equal(drained, false, 'a node that does not stop says that it looks at nothing more')
  if (unknown > 0) tally.add('links with what is unknown')
  tally.add(damaged ? 'links damaged' : endsEarly ? 'links that broke' : 'links that stayed sound')
  if (damaged) return
  // Said by the node, at the request: a link that was given up later, for its silence, had stalled.
  assert.equal(reason, endsEarly ? 'MALFORMED' : undefined)
  if (endsEarly) return
  assert.deepEqual(
    answered.toSorted((a, b) => a - b),
    ids.toSorted((a, b) => a - b),
  )
}

async function round(random: Random, count: number, tally: Tally): Promise<void> {
  const node = await startLinkNode(new InMemoryCluster({ initialized: true }), { handshakeTimeoutMs: 5_000, keepAliveMs: 5_000 })
  const good = connectTo([node.endpoint], { keepAliveMs: 5_000 })
  let left = count
  const work = async (own: Random, identity: NodeIdentity): Promise<void> => {
    while (left > 0) {
      const requests = Math.min(left, REQUESTS_PER_LINK)
      left -= requests
      await nonsense(own, node, identity, requests, tally)
      for (let i = 0; i < requests; i++) {
        checkRequest(own, tally)
        checkAnswer(own, tally)
      }
      const { logId } = await good.write({ Set: { key: 'good', value: 'v' } })
      assert.ok(logId.index > 0)
    }
  }
  try {
    await Promise.all(IDENTITIES.map((identity) => work(new Prng(random.nextUint32()), identity)))
    await eventually(() => node.watched.links.size === 1, 'the end of all links but the good one')
    assert.ok((await good.read('good')) !== undefined)
    assert.deepEqual(node.peers.events, [], 'a client reached consensus')
  } finally {
    good.close()
    await node.close()
  }
}

export async function floodClientLinks(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, { inputs, perRound: 2_000, round: (random, count) => round(random, count, tally) })
  context.diagnostic(String(tally))
  const wanted = [
    'links damaged',
    'links that broke',
    'links that stayed sound',
    'links with what is unknown',
    'INVALID_REQUEST',
    'written',
    'found',
    'page',
  ]
  for (const what of [...wanted, 'request unreadable', 'request write', 'request scan', 'answer refused', 'answer page']) {
    assert.ok(tally.count(what) > inputs / 2_000, `the inputs are one-sided, few ${what}: ${String(tally)}`)
  }
}
