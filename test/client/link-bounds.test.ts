/** What a link of a client may hold, and what happens to calls whose link, node or client goes away. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { describe, test } from 'node:test'
import { encodeEnvelope, toCommand } from '../../src/commands/index.ts'
import type { AspenError } from '../../src/api/index.ts'
import { generateIdentity } from '../../src/client/index.ts'
import type { AspenLinkClient, LinkClientOptions } from '../../src/client/index.ts'
import { MAX_CLIENT_LINK_ANSWER_BYTES, MAX_CLIENT_LINK_REQUESTS } from '../../src/limits.ts'
import { InMemoryCluster } from '../../src/testing/index.ts'
import { decodeClientAnswer, encodeClientAnswer, encodeClientRequest, FrameDecoder, FrameQueue } from '../../src/wire/index.ts'
import type { ClientAnswer, ClientRequest } from '../../src/wire/index.ts'
import { eventually } from '../contracts/transport-observer.ts'
import { TransportProxy } from '../contracts/transport-proxy.ts'
import { acknowledging, closed, openLink } from '../contracts/transport-raw-peer.ts'
import type { RawPeer } from '../contracts/transport-raw-peer.ts'
import { parseAddress } from '../../src/api/index.ts'
import { connectTo, startLinkNode } from './link-world.ts'
import type { LinkNode, LinkNodeOptions } from './link-world.ts'

const WRITE = { Set: { key: 'k', value: 'v' } }
const MIB = 1024 * 1024

interface StoreNode extends LinkNode {
  readonly cluster: InMemoryCluster
}

async function nodeFor(t: TestContext, options: LinkNodeOptions = {}): Promise<StoreNode> {
  const cluster = new InMemoryCluster({ initialized: true })
  const node = await startLinkNode(cluster, options)
  t.after(() => {
    cluster.resume()
    return node.close()
  })
  return { ...node, cluster }
}

function clientFor(t: TestContext, nodes: readonly LinkNode[], options: Partial<LinkClientOptions> = {}): AspenLinkClient {
  const client = connectTo(
    nodes.map(({ endpoint }) => endpoint),
    options,
  )
  t.after(() => client.close())
  return client
}

/** A client made by hand, which keeps no bound by itself. */
async function rawClient(
  node: LinkNode,
): Promise<{ readonly peer: RawPeer; readonly answers: ClientAnswer[]; ask(requests: readonly ClientRequest[]): void }> {
  const peer = await openLink(node.transport, 0, generateIdentity(), 'aspen/client/1')
  const answers: ClientAnswer[] = []
  const decoder = new FrameDecoder({
    message: (_lane, bytes) => void answers.push(decodeClientAnswer(bytes.slice())),
    control: () => undefined,
    counted: acknowledging(peer.socket),
  })
  peer.socket.on('data', (chunk: Buffer) => void decoder.push(chunk))
  const ask = (requests: readonly ClientRequest[]): void => {
    const queue = new FrameQueue(64 * MIB, (size) => new Uint8Array(size))
    for (const request of requests) assert.ok(queue.push('priority', encodeClientRequest(request)))
    for (let bytes = queue.take(MIB); bytes !== undefined; bytes = queue.take(MIB)) peer.socket.write(bytes)
  }
  return { peer, answers, ask }
}

const readOf = (id: number, key: string): ClientRequest => ({ type: 'read', id, timeoutMs: 5_000, key: Buffer.from(key) })

describe('connectLink: many requests on one link', () => {
  test('a thousand at a time leave on one connection; the next ones wait here and follow', async (t) => {
    const node = await nodeFor(t)
    const client = clientFor(t, [node])
    node.cluster.pause()
    const calls = Array.from({ length: MAX_CLIENT_LINK_REQUESTS + 500 }, (_, i) =>
      client.write({ Set: { key: `k${i}`, value: '' } }),
    )
    await eventually(() => node.watched.asked === MAX_CLIENT_LINK_REQUESTS, 'the arrival of a thousand requests')
    node.cluster.resume()
    await Promise.all(calls)
    assert.equal(node.cluster.status().keys, MAX_CLIENT_LINK_REQUESTS + 500)
    assert.equal(node.watched.links.size, 1)
  })

  test('answers are matched by number: a slow request holds up none behind it', async (t) => {
    const node = await nodeFor(t)
    const client = clientFor(t, [node])
    await client.write(WRITE)
    node.cluster.pause()
    const slow = client.read('k')
    await eventually(() => node.watched.asked === 2, 'the slow request')
    node.cluster.resume()
    // The paused call waits for a promise more than those that come now.
    const quick = client.read('missing')
    assert.equal(await quick, undefined)
    assert.equal((await slow)?.version, 1)
  })

  test('10,000 calls of a client: the next is refused with OVERLOADED, before anything is sent', async (t) => {
    const node = await nodeFor(t)
    const client = clientFor(t, [node])
    node.cluster.pause()
    const calls = Promise.allSettled(Array.from({ length: 10_000 }, () => client.read('k')))
    await assert.rejects(client.read('k'), { code: 'OVERLOADED', message: /10000 calls of this client wait already/ })
    client.close()
    await calls
  })

  test('64 MiB of calls: the next is refused with OVERLOADED', async (t) => {
    const node = await nodeFor(t)
    const client = clientFor(t, [node])
    node.cluster.pause()
    const write = { Set: { key: 'k', value: new Uint8Array(MIB) } }
    const calls = Promise.allSettled(Array.from({ length: 63 }, () => client.write(write)))
    await assert.rejects(client.write(write), { code: 'OVERLOADED', details: { limit: 64 * MIB } })
    client.close()
    await calls
  })
})

describe('a node that serves clients over links: its bounds', () => {
  test('a client that asks more than a thousand at a time: OVERLOADED for the rest, answers for the others', async (t) => {
    const node = await nodeFor(t)
    const { answers, ask } = await rawClient(node)
    node.cluster.pause()
    ask(Array.from({ length: MAX_CLIENT_LINK_REQUESTS + 3 }, (_, i) => readOf(i + 1, 'k')))
    await eventually(() => answers.length === 3, 'three refusals')
    for (const answer of answers) {
      assert.ok(answer.type === 'error' && answer.code === 'OVERLOADED', JSON.stringify(answer))
      assert.match(answer.message, /1000 requests of this client are unanswered; try again later/)
    }
    node.cluster.resume()
    await eventually(() => answers.length === MAX_CLIENT_LINK_REQUESTS + 3, 'all answers')
    assert.equal(answers.filter(({ type }) => type === 'found').length, MAX_CLIENT_LINK_REQUESTS)
  })

  test('a client whose requests are large: OVERLOADED beyond 16 MiB', async (t) => {
    const node = await nodeFor(t)
    const { answers, ask } = await rawClient(node)
    node.cluster.pause()
    const pairs = Array.from({ length: 6 }, (_, i): [string, Uint8Array] => [`k${i}`, new Uint8Array(MIB)])
    const envelope = encodeEnvelope({ origin: null, command: toCommand({ SetMulti: { pairs } }) })
    ask([1, 2, 3].map((id) => ({ type: 'write', id, timeoutMs: 5_000, envelope })))
    await eventually(() => answers.length === 1, 'the refusal')
    const [answer] = answers
    assert.ok(answer?.type === 'error' && answer.id === 3 && answer.code === 'OVERLOADED', JSON.stringify(answer))
    assert.match(answer.message, /bytes of requests of this client are unanswered/)
    node.cluster.resume()
    await eventually(() => answers.length === 3, 'the answers')
  })

  test('a client that asks for more than it reads: what finds no room is refused, the rest arrives, the link stays', async (t) => {
    const node = await nodeFor(t)
    await clientFor(t, [node]).write({ Set: { key: 'large', value: new Uint8Array(MIB) } })
    const { peer, answers, ask } = await rawClient(node)
    peer.socket.pause()
    ask(Array.from({ length: 40 }, (_, i) => readOf(i + 1, 'large')))
    await eventually(() => node.watched.asked === 41, 'the requests')
    peer.socket.resume()
    await eventually(() => answers.length === 40, 'an answer to each')
    const refusals = answers.filter((answer) => answer.type === 'error')
    assert.ok(refusals.length > 0 && refusals.length < 40, `${refusals.length} of 40 were refused`)
    for (const { code, message } of refusals) {
      assert.equal(code, 'OVERLOADED')
      assert.match(
        message,
        /an answer of \d+ bytes found no room behind \d+ bytes that this client has not read; try again later/,
      )
    }
    ask([readOf(41, 'large')])
    await eventually(() => answers.length === 41, 'one more answer')
    assert.equal(answers[40]?.type, 'found')
  })

  test('a client that does not read: its answers are refused, then its link is cut, and what it holds stays bounded', async (t) => {
    const node = await nodeFor(t)
    const good = clientFor(t, [node])
    await good.write({ Set: { key: 'large', value: new Uint8Array(MIB / 4) } })
    const { peer, ask } = await rawClient(node)
    peer.socket.pause()
    const cut = closed(peer.socket)
    const [link] = [...node.watched.links].filter((each) => each.endpointId === peer.identity.endpointId)
    assert.ok(link !== undefined)
    let most = 0
    for (let id = 1; node.watched.links.has(link) && id < 1_000_000; id += 100) {
      ask(Array.from({ length: 100 }, (_, i) => readOf(id + i, 'large')))
      await new Promise(setImmediate)
      most = Math.max(most, link.backlogBytes)
    }
    assert.equal(node.watched.links.has(link), false, 'the link of a client that reads nothing is still there')
    t.diagnostic(`at most ${(most / MIB).toFixed(1)} MiB waited for the client that did not read`)
    assert.ok(most <= MAX_CLIENT_LINK_ANSWER_BYTES + 2 * MIB, `${most} bytes waited`)
    assert.ok(most > MIB, 'nothing has waited: the test shows nothing')
    peer.socket.resume()
    await cut
    assert.equal((await good.read('large'))?.value.length, MIB / 4)
  })
})

describe('connectLink: what goes away', () => {
  async function throughProxy(
    t: TestContext,
    node: StoreNode,
  ): Promise<{ readonly proxy: TransportProxy; readonly client: AspenLinkClient }> {
    const proxy = new TransportProxy(parseAddress(node.endpoint.address)?.port as number)
    await proxy.listen()
    const client = connectTo([{ ...node.endpoint, address: proxy.address }], { keepAliveMs: 50 })
    t.after(() => {
      client.close()
      proxy.stop()
    })
    return { proxy, client }
  }

  test('a link that is lost: writes that were sent have an unknown outcome, those that waited are sent on the next link', async (t) => {
    const node = await nodeFor(t)
    const { proxy, client } = await throughProxy(t, node)
    await client.read('k')
    node.cluster.pause()
    const calls = Array.from({ length: MAX_CLIENT_LINK_REQUESTS + 5 }, (_, i) =>
      client.write({ Set: { key: `k${i}`, value: '' } }),
    )
    const outcomes = Promise.allSettled(calls)
    await eventually(() => node.watched.asked === MAX_CLIENT_LINK_REQUESTS + 1, 'the requests')
    proxy.reset()
    await eventually(() => node.watched.asked === MAX_CLIENT_LINK_REQUESTS + 6, 'those that had waited')
    node.cluster.resume()
    const codes = (await outcomes).map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : (outcome.reason as AspenError).code))
    assert.equal(codes.filter((code) => code === 'OUTCOME_UNKNOWN').length, MAX_CLIENT_LINK_REQUESTS)
    assert.deepEqual(
      codes.slice(MAX_CLIENT_LINK_REQUESTS),
      Array.from({ length: 5 }, () => 'ok'),
    )
  })

  test('a node that falls silent: the link is given up, and a read is repeated on a new one', async (t) => {
    const node = await nodeFor(t)
    const { proxy, client } = await throughProxy(t, node)
    await client.write(WRITE)
    proxy.stall(true)
    const read = client.read('k')
    await eventually(() => node.watched.links.size === 0, 'the end of the silent link')
    proxy.reset()
    proxy.stall(false)
    assert.equal((await read)?.version, 1)
  })

  test('a node that stops: what it took on is answered, what it did not look at goes to another one', async (t) => {
    const [first, second] = [await nodeFor(t), await nodeFor(t)]
    const client = clientFor(t, [first, second])
    await client.read('k')
    first.cluster.pause()
    const taken = client.write(WRITE)
    await eventually(() => first.watched.asked === 2, 'the write')
    const stopped = first.close()
    const refused = client.write({ Set: { key: 'later', value: '' } })
    await eventually(() => first.watched.asked === 3, 'the write that comes too late')
    first.cluster.resume()
    await taken
    await refused
    await stopped
    assert.deepEqual([first.cluster.status().keys, second.cluster.status().keys], [1, 1])
  })

  test('a node that stops while requests are on their way to it: none has an unknown outcome', async (t) => {
    const nodes = [await nodeFor(t), await nodeFor(t)] as const
    const client = clientFor(t, nodes)
    let written = 0
    let stopping = false
    const writer = async (lane: number): Promise<void> => {
      for (let i = 0; i < 200 || !stopping; i++) {
        await client.write({ Set: { key: `${lane}.${i}`, value: '' } })
        written++
      }
    }
    const writers = Promise.all(Array.from({ length: 50 }, (_, lane) => writer(lane)))
    await eventually(() => written > 500, 'some writes')
    await nodes[0].close()
    stopping = true
    await writers
    const keys = nodes.map(({ cluster }) => cluster.status().keys)
    t.diagnostic(`${written} writes, ${keys.join(' and ')} keys`)
    assert.equal((keys[0] as number) + (keys[1] as number), written)
    assert.ok(keys.every((count) => count > 0))
  })

  test('a node that answers nonsense: a write has an unknown outcome, a read is repeated, the link is not trusted again', async (t) => {
    const nonsense: readonly [ClientAnswer | Uint8Array, RegExp][] = [
      [Uint8Array.of(0, 0, 99, 1), /99 is the code of no answer/],
      [Uint8Array.of(), /ends too early/],
      [{ type: 'found', id: 77, entry: null }, /answered request 77, which was never sent/],
      [{ type: 'page', id: 1, page: { entries: [], token: null } }, /the node answered the write with page/],
    ]
    for (const [answer, message] of nonsense) {
      const node = await nodeFor(t)
      let said = false
      node.watched.intercept = (link) => {
        if (said) return false
        said = true
        return link.send(answer instanceof Uint8Array ? [answer] : encodeClientAnswer(answer), 'bulk')
      }
      const client = clientFor(t, [node])
      await assert.rejects(client.write(WRITE), { code: 'OUTCOME_UNKNOWN', message })
      // Once more where the link broke: the read is asked again on the next one.
      said = !(answer instanceof Uint8Array)
      assert.equal(await client.read('k'), undefined)
      assert.equal(node.cluster.status().keys, 0)
    }
  })

  test('a client that is closed: its calls end, the next ones are refused, the node forgets it', async (t) => {
    const node = await nodeFor(t)
    const client = clientFor(t, [node])
    await client.read('k')
    node.cluster.pause()
    const write = assert.rejects(client.write(WRITE), { code: 'OUTCOME_UNKNOWN' })
    const read = assert.rejects(client.read('k'), { code: 'INVALID_REQUEST', message: /this client has been closed/ })
    await eventually(() => node.watched.asked === 3, 'the requests')
    client.close()
    await Promise.all([write, read])
    await assert.rejects(client.read('k'), { code: 'INVALID_REQUEST', message: /this client has been closed/ })
    await eventually(() => node.watched.links.size === 0, 'the end of the link')
  })
})
