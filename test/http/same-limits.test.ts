/** A node refuses through its HTTP face, and over its links, what it refuses in its own process: no more, no less, by the same code. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AspenError, scanToken } from '../../src/api/index.ts'
import type { AddPeerRequest, ClusterController, ErrorCode, KeyValueStore } from '../../src/api/index.ts'
import {
  MAX_ADDRESS_SIZE,
  MAX_CLIENT_ID_SIZE,
  MAX_KEY_SIZE,
  MAX_LEARNERS,
  MAX_MEMBER_ADDRESSES,
  MAX_RELAY_URL_SIZE,
  MAX_REQUEST_TIMEOUT_MS,
  MAX_SCAN_LIMIT,
  MAX_SCAN_TOKEN_SIZE,
  MAX_VOTERS,
  MIN_CLIENT_SEQUENCE,
} from '../../src/limits.ts'
import { NodePlace } from '../contracts/node-places.ts'

type Call<Face> = (face: Face) => Promise<unknown>

/** What becomes of a call: a code, or that it is done. */
type Outcome = ErrorCode | 'done'

interface Bound<Face> {
  readonly name: string
  readonly within: readonly [call: Call<Face>, outcome: Outcome]
  readonly beyond: readonly [call: Call<Face>, code: ErrorCode]
  /** What the refusal names. */
  readonly limit: number
}

const PEER: AddPeerRequest = { nodeId: 7, endpointId: 'ab'.repeat(32), addresses: ['127.0.0.1:1'] }

const addressesOf = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `127.0.0.1:${i + 1}`)
/** The name of an interface may be long. */
const addressOf = (length: number): string => `[fe80::1%${'z'.repeat(length - '[fe80::1%]:1'.length)}]:1`
const relayOf = (length: number): string => 'https://relay.example/'.padEnd(length, 'r')
const idsOf = (count: number, first: number): readonly number[] => Array.from({ length: count }, (_, i) => first + i)

const addPeer =
  (parts: Partial<AddPeerRequest>): Call<ClusterController> =>
  (face) =>
    face.addPeer({ ...PEER, ...parts })
const change =
  (members: readonly number[], learners: readonly number[]): Call<ClusterController> =>
  (face) =>
    face.changeMembership({ members, learners })

const OF_CONTROLLERS: readonly Bound<ClusterController>[] = [
  {
    name: 'addresses of a peer',
    within: [addPeer({ addresses: addressesOf(MAX_MEMBER_ADDRESSES) }), 'done'],
    beyond: [addPeer({ addresses: addressesOf(MAX_MEMBER_ADDRESSES + 1) }), 'INVALID_REQUEST'],
    limit: MAX_MEMBER_ADDRESSES,
  },
  {
    name: 'the length of an address',
    within: [addPeer({ addresses: [addressOf(MAX_ADDRESS_SIZE)] }), 'done'],
    beyond: [addPeer({ addresses: ['127.0.0.1:1', addressOf(MAX_ADDRESS_SIZE + 1)] }), 'INVALID_REQUEST'],
    limit: MAX_ADDRESS_SIZE,
  },
  {
    name: 'the length of a relay',
    within: [addPeer({ relay: relayOf(MAX_RELAY_URL_SIZE) }), 'done'],
    beyond: [addPeer({ relay: relayOf(MAX_RELAY_URL_SIZE + 1) }), 'INVALID_REQUEST'],
    limit: MAX_RELAY_URL_SIZE,
  },
  {
    name: 'learners of a change',
    within: [change([1], idsOf(MAX_LEARNERS, 2)), 'NODE_UNKNOWN'],
    beyond: [change([1], idsOf(MAX_LEARNERS + 1, 2)), 'INVALID_REQUEST'],
    limit: MAX_LEARNERS,
  },
  {
    name: 'voters of a change',
    within: [change(idsOf(MAX_VOTERS, 1), []), 'NODE_UNKNOWN'],
    beyond: [change(idsOf(MAX_VOTERS + 1, 1), []), 'INVALID_REQUEST'],
    limit: MAX_VOTERS,
  },
]

const write =
  (client: string, sequence: number): Call<KeyValueStore> =>
  (face) =>
    face.write({ Set: { key: 'k', value: 'v' } }, { origin: { client, sequence } })
const scan =
  (token: string): Call<KeyValueStore> =>
  (face) =>
    face.scan({ token })

const OF_STORES: readonly Bound<KeyValueStore>[] = [
  {
    name: 'the lowest sequence',
    within: [write('low', MIN_CLIENT_SEQUENCE), 'done'],
    beyond: [write('low', MIN_CLIENT_SEQUENCE - 1), 'INVALID_REQUEST'],
    limit: MIN_CLIENT_SEQUENCE,
  },
  {
    name: 'the length of a client id',
    within: [write('c'.repeat(MAX_CLIENT_ID_SIZE), 1), 'done'],
    beyond: [write('c'.repeat(MAX_CLIENT_ID_SIZE + 1), 1), 'INVALID_REQUEST'],
    limit: MAX_CLIENT_ID_SIZE,
  },
  {
    name: 'the length of a token',
    within: [scan('s1.'.padEnd(MAX_SCAN_TOKEN_SIZE, '*')), 'INVALID_TOKEN'],
    beyond: [scan('s1.'.padEnd(MAX_SCAN_TOKEN_SIZE + 1, '*')), 'INVALID_TOKEN'],
    limit: MAX_SCAN_TOKEN_SIZE,
  },
  {
    name: 'the rows of a page',
    within: [(face) => face.scan({ limit: MAX_SCAN_LIMIT }), 'done'],
    beyond: [(face) => face.scan({ limit: MAX_SCAN_LIMIT + 1 }), 'INVALID_REQUEST'],
    limit: MAX_SCAN_LIMIT,
  },
  {
    name: 'the timeout',
    within: [(face) => face.read('k', { timeoutMs: MAX_REQUEST_TIMEOUT_MS }), 'done'],
    beyond: [(face) => face.read('k', { timeoutMs: MAX_REQUEST_TIMEOUT_MS + 1 }), 'INVALID_REQUEST'],
    limit: MAX_REQUEST_TIMEOUT_MS,
  },
]

async function refusal(call: Promise<unknown>): Promise<AspenError | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    if (error instanceof AspenError) return error
    throw error
  }
}

/** The calls on both sides of a bound, by a face. */
async function checkBound<Face>({ within, beyond, limit }: Bound<Face>, face: Face, name: string): Promise<void> {
  assert.equal((await refusal(within[0](face)))?.code ?? 'done', within[1], `${name}: at the bound`)
  const error = await refusal(beyond[0](face))
  assert.equal(error?.code, beyond[1], `${name}: past the bound`)
  assert.ok(error.message.includes(String(limit)), `${name}: the refusal names the bound: ${error.message}`)
}

describe('limits: the same for a node, its HTTP face and its links', () => {
  const place = new NodePlace()
  const controllers: Record<string, ClusterController> = {}
  const stores: Record<string, KeyValueStore> = {}
  before(async () => {
    const node = await place.start(1)
    await node.init([1])
    const http = await place.http(node)
    Object.assign(controllers, { node, http })
    Object.assign(stores, { node, http, link: place.link(node) })
  })
  after(() => place.dispose())

  for (const bound of OF_CONTROLLERS) {
    test(`limits: ${bound.name}`, async () => {
      for (const [name, controller] of Object.entries(controllers)) await checkBound(bound, controller, name)
    })
  }

  for (const bound of OF_STORES) {
    test(`limits: ${bound.name}`, async () => {
      for (const [name, store] of Object.entries(stores)) await checkBound(bound, store, name)
    })
  }

  test('limits: a token of a key that is too large is none, however it is asked', async () => {
    for (const [name, store] of Object.entries(stores)) {
      const largest = await store.scan({ token: scanToken(new Uint8Array(MAX_KEY_SIZE).fill(0xff)) })
      assert.deepEqual(largest, { entries: [], token: null }, name)
      const error = await refusal(store.scan({ token: scanToken(new Uint8Array(MAX_KEY_SIZE + 1).fill(0xff)) }))
      assert.equal(error?.code, 'INVALID_TOKEN', name)
    }
  })
})
