/** What a relay is asked and told, and what one that lies, is slow, or says too much comes to: a server on loopback. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { encodePlaces } from '../../src/discovery/pkarr/endpoint-packet.ts'
import { RelayPlace } from '../../src/discovery/pkarr/index.ts'
import { signRecord, toPayload } from '../../src/discovery/pkarr/signed-record.ts'
import { toZBase32 } from '../../src/lib/index.ts'
import { generateIdentity, signaturesOf } from '../../src/net/index.ts'
import type { Clock } from '../../src/ports/index.ts'
import { ONE, TWO } from '../http/certificates.ts'
import { ManualClock } from '../manual-clock.ts'
import { keyOf, Relay } from './relay.ts'

const signatures = signaturesOf(generateIdentity())
const { endpointId } = signatures
const NAME = toZBase32(Buffer.from(endpointId, 'hex'))
const record = (sequence: number) =>
  signRecord(signatures, sequence, encodePlaces(endpointId, { addresses: ['10.0.0.1:1'], relay: null }))

interface Setting {
  readonly path?: string
  readonly clock?: Clock
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** No time passes unless a test says so: a busy machine makes nothing too late. */
async function setUp(t: TestContext, { path = '', clock = new ManualClock(), tls }: Setting = {}) {
  const relay = new Relay(tls)
  const url = await relay.listen()
  const place = new RelayPlace({ url: `${url}${path}`, clock, signatures, resolve: async (host) => [host] })
  t.after(async () => {
    await place.close()
    await relay.close()
  })
  return { relay, url, place }
}

test('RelayPlace: puts and gets at the name of the key, below the path of the relay', async (t) => {
  const { relay, url, place } = await setUp(t, { path: '/pkarr/' })
  assert.deepEqual(keyOf(NAME).toString('hex'), endpointId)
  assert.equal(place.name, `the relay ${url}/pkarr/`)
  assert.equal(await place.get(endpointId), null)
  const first = record(5)
  await place.put(first, null)
  assert.deepEqual(relay.records.get(NAME), toPayload(first))
  const got = await place.get(endpointId)
  assert.deepEqual(got && toPayload(got), toPayload(first))
  assert.deepEqual(
    relay.requests.map(({ method, name }) => `${method} ${name}`),
    [`GET ${NAME}`, `PUT ${NAME}`, `GET ${NAME}`],
  )
})

test('RelayPlace: says that something newer is there; compares and swaps where it knows what', async (t) => {
  const { relay, place } = await setUp(t)
  await place.put(record(5_000_000), null)
  await assert.rejects(place.put(record(4_000_000), null), { isConflict: true })
  await assert.rejects(place.put(record(6_000_000), 4_000_000), { isConflict: true, message: /412/ })
  assert.equal(relay.requests.at(-1)?.headers['if-unmodified-since'], 'Thu, 01 Jan 1970 00:00:04 GMT')
  await place.put(record(6_000_000), 5_000_000)
  const answer = (status: number, headers = {}): void => {
    relay.before = (_request, response) => Boolean(response.writeHead(status, headers).end())
  }
  answer(428)
  await assert.rejects(place.put(record(7_000_000), null), { isConflict: true, message: /428/ })
  answer(429, { 'retry-after': '77' })
  await assert.rejects(place.put(record(7_000_000), null), { isConflict: false, retryAfterMs: 77_000, message: /429/ })
  answer(429, { 'retry-after': 'Thu, 01 Jan 2099 00:00:04 GMT' })
  await assert.rejects(place.put(record(7_000_000), null), { retryAfterMs: 60_000 })
  answer(500)
  await assert.rejects(place.put(record(7_000_000), null), { isConflict: false, retryAfterMs: 0, message: 'it answers 500' })
})

test('RelayPlace: a relay that lies, redirects, or says too much gets nowhere', async (t) => {
  const { relay, url, place } = await setUp(t)
  const answer = (does: (response: ServerResponse) => unknown): void => {
    relay.before = (_request, response) => {
      does(response)
      return true
    }
  }
  const good = toPayload(record(5))
  const forged = Buffer.from(good)
  forged[70] = (forged[70] ?? 0) ^ 1
  const other = signaturesOf(generateIdentity())
  const ofAnother = toPayload(signRecord(other, 5, encodePlaces(endpointId, { addresses: ['10.6.6.6:1'], relay: null })))
  for (const body of [forged, ofAnother, Buffer.alloc(0), Buffer.from('<html>'), good.subarray(0, 80)]) {
    answer((response) => response.end(body))
    await assert.rejects(place.get(endpointId), /is not signed by it/)
  }
  const seen = relay.requests.length
  answer((response) => response.writeHead(307, { location: `${url}/elsewhere` }).end())
  await assert.rejects(place.get(endpointId), /redirections are not followed/)
  await assert.rejects(place.put(record(6), null), /redirections are not followed/)
  assert.equal(relay.requests.length, seen + 2)

  let sent = 0
  answer((response) => {
    const more = (): void => {
      while (sent < 10_000_000 && !response.destroyed) {
        sent += 50_000
        if (!response.write(Buffer.alloc(50_000))) return void response.once('drain', more)
      }
    }
    more()
  })
  await assert.rejects(place.get(endpointId), /answers with more than 1072 bytes/)
  assert.ok(sent < 10_000_000, `all of it was taken: ${sent} bytes`)
  answer((response) => response.writeHead(200, { 'content-length': 500 }).write(good, () => response.destroy()))
  await assert.rejects(place.get(endpointId), /ECONNRESET|broke off/)
})

test('RelayPlace: over TLS it is asked if its certificate is trusted, and else told nothing', async (t) => {
  const trusted = getCACertificates('default')
  t.after(() => setDefaultCACertificates(trusted))
  setDefaultCACertificates([...trusted, ONE.cert])
  const { relay, url, place } = await setUp(t, { tls: ONE })
  assert.match(url, /^https:/)
  await place.put(record(5), null)
  assert.equal((await place.get(endpointId))?.sequence, 5)
  assert.equal(relay.requests.length, 2)
  const other = await setUp(t, { tls: TWO })
  await assert.rejects(
    other.place.put(record(5), null),
    /^PlaceError: (?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE)/,
  )
  assert.deepEqual(other.relay.requests, [])
})

test('RelayPlace: a relay that is slow is given up, and when the node stops', async (t) => {
  const clock = new ManualClock()
  const { relay, place } = await setUp(t, { clock })
  const asked = Promise.withResolvers<ServerResponse>()
  relay.before = (_request, response) => {
    // One byte now and then is no answer either.
    response.writeHead(200).write('a', () => asked.resolve(response))
    return true
  }
  const slow = place.get(endpointId)
  await asked.promise
  clock.advance(4_999)
  clock.advance(1)
  const now = new Promise<string>((resolve) => setImmediate(() => resolve('it still waits')))
  assert.match(await Promise.race([now, slow.catch(String)]).then(String), /no whole answer within 5000 ms/)
  const stopping = place.get(endpointId)
  await new Promise((resolve) => setImmediate(resolve))
  await place.close()
  await assert.rejects(stopping, /this node stops/)
  await assert.rejects(place.get(endpointId), /this node stops/)
})
