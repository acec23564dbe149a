/** What two ends of a link agree on, and that nobody between them has a say in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptHandshake, dialHandshake } from '../../src/net/link/handshake.ts'
import type { HandshakeSelf, ProvenPeer } from '../../src/net/link/handshake.ts'
import { HandshakeStream } from '../../src/net/link/handshake-stream.ts'
import { LinkError } from '../../src/net/link/link-error.ts'
import { decodeHandshake, encodeHello } from '../../src/wire/index.ts'
import type { Hello } from '../../src/wire/index.ts'
import { pipe } from '../fuzz/handshake-flood.ts'

const [DIALER, ACCEPTOR] = ['ab'.repeat(32), 'cd'.repeat(32)]

type Terms = Pick<HandshakeSelf, 'versions' | 'features'>

function self(endpointId: string, terms: Terms): HandshakeSelf {
  return {
    endpointId,
    instance: '01'.repeat(16),
    protocol: 'aspen/raft/1',
    cookieKey: new Uint8Array(32).fill(9),
    claims: () => ({ nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 }),
    ...terms,
  }
}

/** Both ends of one handshake; `meddle` rewrites the hellos on their way. */
async function shake(
  dialer: Terms,
  acceptor: Terms,
  meddle: (hello: Hello) => Hello = (hello) => hello,
): Promise<readonly PromiseSettledResult<ProvenPeer>[]> {
  const [near, middleNear] = pipe()
  const [middleFar, far] = pipe()
  const relay = (from: typeof near, to: typeof near): void => {
    from.on('data', (bytes: Buffer) => {
      const record = decodeHandshake(bytes)?.record
      to.write(record?.type === 'hello' ? encodeHello(meddle(record.hello)) : bytes)
    })
    from.on('end', () => to.end())
  }
  relay(middleNear, middleFar)
  relay(middleFar, middleNear)
  const [there, back] = [new HandshakeStream(near), new HandshakeStream(far)]
  const refusing =
    (stream: HandshakeStream) =>
    (error: unknown): never => {
      if (error instanceof LinkError) stream.refuse(error)
      throw error
    }
  return await Promise.allSettled([
    dialHandshake(there, self(DIALER, dialer), ACCEPTOR, () => undefined).catch(refusing(there)),
    acceptHandshake(back, self(ACCEPTOR, acceptor), DIALER)
      .then((proven) => proven.accept())
      .catch(refusing(back)),
  ])
}

test('handshake: both ends speak the highest version that both know, with what both can do', async () => {
  const results = await shake(
    { versions: { min: 2, max: 5 }, features: 0b0111 },
    { versions: { min: 3, max: 9 }, features: 0b1110 },
  )
  for (const result of results) {
    assert.ok(result.status === 'fulfilled')
    assert.deepEqual([result.value.version, result.value.features], [5, 0b0110])
  }
})

test('handshake: without a common version it ends, and each side hears both ranges', async () => {
  const [dialed, accepted] = await shake({ versions: { min: 2, max: 2 } }, { versions: { min: 4, max: 6 } })
  for (const result of [dialed, accepted]) {
    assert.ok(result?.status === 'rejected' && result.reason instanceof LinkError)
    assert.equal(result.reason.code, 'VERSION_MISMATCH')
    assert.match(result.reason.message, /version 2/)
    assert.match(result.reason.message, /versions 4 to 6/)
  }
})

test('handshake: nobody between the two can talk them down, or add or take what they say', async () => {
  const terms = { versions: { min: 2, max: 3 }, features: 1 }
  const meddlers: ((hello: Hello) => Hello)[] = [
    (hello) => ({ ...hello, versions: { min: 2, max: 2 } }),
    (hello) => ({ ...hello, features: 0 }),
    (hello) => ({ ...hello, more: Uint8Array.of(2, 1, 1) }),
    (hello) => (hello.from === DIALER ? { ...hello, versions: { min: 2, max: 2 } } : hello),
    (hello) => (hello.from === ACCEPTOR ? { ...hello, versions: { min: 2, max: 2 } } : hello),
  ]
  for (const meddle of meddlers) {
    const [dialed, accepted] = await shake(terms, terms, meddle)
    assert.ok(accepted?.status === 'rejected' && accepted.reason instanceof LinkError)
    assert.equal(accepted.reason.code, 'COOKIE_MISMATCH')
    assert.equal(dialed?.status, 'rejected')
  }
  const untouched = await shake(terms, terms)
  assert.ok(untouched.every(({ status }) => status === 'fulfilled'))
})
