/** The acceptor's side of a handshake, fed by somebody who proves nothing: it always ends, and never with a link. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { chance, concatBytes, pick, randomBetween } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { acceptHandshake, dialHandshake } from '../../src/net/link/handshake.ts'
import type { HandshakeSelf } from '../../src/net/link/handshake.ts'
import { HandshakeStream } from '../../src/net/link/handshake-stream.ts'
import { LinkError } from '../../src/net/link/link-error.ts'
import { decodeHandshake, encodeClaims, encodeProof, encodeProofInput } from '../../src/wire/index.ts'
import { flood, Tally } from './flood.ts'
import { handshakeRecords } from './frames-flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

const [DIALER, ACCEPTOR] = ['ab'.repeat(32), 'cd'.repeat(32)]
const COOKIE_KEY = new Uint8Array(32).fill(9)
const CLUSTER = 'c'.repeat(32)

function self(endpointId: string): HandshakeSelf {
  return {
    endpointId,
    instance: '01'.repeat(16),
    protocol: 'aspen/raft/1',
    cookieKey: COOKIE_KEY,
    claims: () => ({ nodeId: 1, clusterId: CLUSTER, addresses: [], languageVersion: 1 }),
  }
}

/** Two ends of a connection without a network. */
export class PipeEnd extends Duplex {
  other: PipeEnd | undefined
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.other?.push(chunk)
    done()
  }
  override _final(done: () => void): void {
    this.other?.push(null)
    done()
  }
}

export function pipe(): readonly [PipeEnd, PipeEnd] {
  const [a, b] = [new PipeEnd(), new PipeEnd()]
  Object.assign(a, { other: b })
  Object.assign(b, { other: a })
  return [a, b]
}

/** What a dialer would say that has heard this hello, but for one thing. */
function almostProven(random: Random, answer: Uint8Array): Uint8Array {
  const acceptor = decodeHandshake(answer)?.record
  assert.ok(acceptor?.type === 'hello')
  const more = new Uint8Array(0)
  const versions = { min: 2, max: 2 }
  const dialer = {
    versions,
    features: 0,
    more,
    from: DIALER,
    to: ACCEPTOR,
    nonce: new Uint8Array(32).fill(7),
    instance: '01'.repeat(16),
  }
  const claims = { nodeId: 2, clusterId: null, addresses: [], languageVersion: 1 }
  const input = {
    role: 'dialer' as const,
    protocol: 'aspen/raft/1',
    dialer,
    acceptor: acceptor.hello,
    version: 2,
    features: 0,
    said: encodeClaims(claims),
  }
  const wrong = pick(random, [
    { ...input, role: 'acceptor' as const },
    { ...input, protocol: 'aspen/client/1' },
    { ...input, said: encodeClaims({ ...claims, nodeId: 3 }) },
    { ...input, version: 1 },
    { ...input, features: 1 },
    { ...input, dialer: acceptor.hello, acceptor: dialer },
    { ...input, acceptor: { ...acceptor.hello, nonce: dialer.nonce } },
  ])
  const key = chance(random, 0.2) ? new Uint8Array(32) : COOKIE_KEY
  const mac = createHmac('sha256', key).update(encodeProofInput(wrong)).digest()
  return encodeProof({ mac, said: input.said })
}

async function attack(random: Random, tally: Tally): Promise<void> {
  const [near, far] = pipe()
  const stream = new HandshakeStream(near)
  const outcome = acceptHandshake(stream, self(ACCEPTOR), DIALER).then(
    () => 'a link',
    (error: unknown) => {
      if (!(error instanceof LinkError)) throw error
      stream.refuse(error)
      return error.code
    },
  )
  let answer: Uint8Array = new Uint8Array()
  far.on('data', (chunk: Uint8Array) => (answer = concatBytes([answer, chunk]))).on('error', () => undefined)
  const records = handshakeRecords(DIALER, ACCEPTOR)
  const hello = records[0] as Uint8Array
  if (chance(random, 0.4)) {
    far.write(hello)
    await new Promise(process.nextTick)
    await Promise.resolve()
    await new Promise(process.nextTick)
    far.write(
      chance(random, 0.5) && answer.length > 0
        ? almostProven(random, answer)
        : mutateBytes(random, records[3] as Uint8Array, hello),
    )
  } else {
    const bytes = concatBytes(Array.from({ length: randomBetween(random, 1, 3) }, () => pick(random, records)))
    far.write(chance(random, 0.1) ? randomBytes(random, 200) : mutateBytes(random, bytes, hello))
  }
  far.end()
  near.once('end', () => near.destroy())
  const code = await outcome
  assert.notEqual(code, 'a link', 'a link was made with somebody who proved nothing')
  tally.add(code)
}

/** The same two ends, with nobody in the way. */
async function assertLinks(): Promise<void> {
  const [near, far] = pipe()
  const accepted = acceptHandshake(new HandshakeStream(near), self(ACCEPTOR), DIALER).then((dialer) => dialer.accept())
  const dialed = await dialHandshake(new HandshakeStream(far), self(DIALER), ACCEPTOR, () => undefined)
  assert.equal((await accepted).endpointId, DIALER)
  assert.equal(dialed.endpointId, ACCEPTOR)
}

export async function floodHandshake(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, {
    inputs,
    perRound: 1000,
    round: async (random, count) => {
      for (let i = 0; i < count; i++) await attack(random, tally)
      await assertLinks()
    },
  })
  context.diagnostic(String(tally))
  for (const code of ['MALFORMED', 'COOKIE_MISMATCH', 'KEY_MISMATCH', 'VERSION_MISMATCH', 'ABORTED']) {
    assert.ok(tally.count(code) > inputs / 1000, `the inputs are one-sided: ${String(tally)}`)
  }
}
