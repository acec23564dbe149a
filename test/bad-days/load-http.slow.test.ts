/** Clients that come in crowds, slowly, half, or without end: refused in words, while others are served. */
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'
import { Crowd } from './load-crowd.ts'
import { eventually, metricValue, peakMiB, resetPeak, residentMiB, Witness } from './load-witness.ts'

const MIB = 1024 * 1024
const SETTLE_TIMEOUT_MS = 30_000
/** No flood of this file may add more than this to what the process held. */
const FLOOD_BOUND_MIB = 768
/**
 * Nor may all of them together. Beside what lives, a process keeps what the floods before freed: the allocator gives
 * memory back only where a whole region of it is free. Four rounds of these floods on one node hold no more than one.
 */
const PEAK_BOUND_MIB = 1536
const RECOVERY_BOUND_MS = 5_000
/** What a client that behaves may hear from a node that is flooded: come again, or, after its deadline, look again. */
const FAIR_REFUSAL = / (429 .*OVERLOADED|504 .*OUTCOME_UNKNOWN)/

const head = (method: string, path: string, more: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${more}\r\n`
const HEALTH = head('GET', '/health', '')
const post = (path: string, body: string): string => head('POST', path, `Content-Length: ${Buffer.byteLength(body)}\r\n`) + body
const set = (key: string, value: string): string => post('/write', JSON.stringify({ command: { Set: { key, value } } }))

let fleet: Fleet
let node: FleetNode

before(async () => {
  fleet = await Fleet.start(3)
  node = await fleet.leaderNode(SETTLE_TIMEOUT_MS)
})

after(() => fleet.stop())

interface Flooded {
  readonly crowd: Crowd
  /** The metrics once the flood has been met. */
  readonly metrics: string
}

/** Runs a flood beside a client that behaves, and prints what both met. */
async function flood(name: string, run: (crowd: Crowd) => Promise<void>): Promise<Flooded> {
  const pid = fleet.pid(node.id)
  resetPeak(pid)
  const held = residentMiB(pid)
  const crowd = new Crowd(node.plan.httpPort)
  const witness = new Witness(node)
  witness.start()
  let heard: Crowd | undefined
  try {
    await run(crowd)
    heard = Object.assign(Object.create(Crowd.prototype) as Crowd, { callers: [...crowd.callers] })
  } finally {
    crowd.leave()
  }
  const left = performance.now()
  const { body: metrics } = await witness.ask('GET', '/metrics')
  const recovered = performance.now() - left
  const met = await witness.stop()
  const latency = `p50 ${met.p50Ms.toFixed(1)} ms, p99 ${met.p99Ms.toFixed(0)} ms`
  const peak = peakMiB(pid)
  const memory = `from ${held.toFixed(0)} to ${peak.toFixed(0)} MiB, then ${residentMiB(pid).toFixed(0)} MiB`
  console.log(`${name}: ${memory}; ${met.requests} requests of a client that behaves: ${latency}, ${met.failures.length} refused`)
  assert.ok(peak - held < FLOOD_BOUND_MIB, `${name}: the flood took ${(peak - held).toFixed(0)} MiB`)
  assert.ok(peak < PEAK_BOUND_MIB, `${name}: the node took ${peak.toFixed(0)} MiB`)
  assert.ok(recovered < RECOVERY_BOUND_MS, `${name}: no service ${recovered.toFixed(0)} ms after the flood`)
  for (const failure of met.failures) assert.match(failure, FAIR_REFUSAL, `${name}: a client that behaves was refused otherwise`)
  return { crowd: heard, metrics }
}

describe('a node under floods of HTTP', { concurrency: false }, () => {
  test('10,000 open connections are served; those beyond hear 429 OVERLOADED, Retry-After, and are counted', async () => {
    const { crowd, metrics } = await flood('10,200 connections', async (crowd) => {
      await crowd.open(10_200, (socket) => socket.write(post('/read', '{"key":"witness"}')))
      await eventually('every connection to be answered', 20_000, () => crowd.heard('HTTP/1.1 ') === 10_200)
    })
    const refused = crowd.heard(
      'HTTP/1.1 429 ',
      '"OVERLOADED"',
      'HTTP connections open already: ask another one',
      'retry-after: 1',
    )
    const served = crowd.heard('HTTP/1.1 200 ') + crowd.heard('HTTP/1.1 404 ')
    assert.ok(served >= 9_990 && served <= 10_000, `${served} were served`)
    assert.equal(served + refused, 10_200)
    assert.ok(metricValue(metrics, 'aspen_overloaded_total{queue="http_connections"}') >= refused)
  })

  test('connections that say nothing, and headers that come a byte a second, are closed with 408 after five seconds', async () => {
    const { crowd, metrics } = await flood('2,000 silent and 2,000 slow senders', async (crowd) => {
      await crowd.open(2_000)
      await crowd.open(2_000, (socket) => trickle(socket, HEALTH))
      await eventually('slow connections to be closed', 15_000, () => crowd.closed === 4_000)
    })
    const told = crowd.heard('HTTP/1.1 408 ', 'the request did not arrive in time')
    assert.equal(told, 4_000)
    assert.ok(metricValue(metrics, 'aspen_http_requests_total{route="unreadable",status="408"}') >= told)
  })

  test('bodies that come a byte a second are closed with 408 after half a minute', async () => {
    const { crowd } = await flood('1,000 slow bodies', async (crowd) => {
      await crowd.open(1_000, (socket) => {
        socket.write(head('POST', '/write', `Content-Length: ${MIB}\r\n`))
        trickle(socket, '{"command":{"Set":{"key":"k","value":"..........................................')
      })
      await eventually('slow bodies to be given up', 45_000, () => crowd.closed === 1_000)
    })
    assert.equal(crowd.heard('HTTP/1.1 408 ', 'the request did not arrive in time'), 1_000)
  })

  test('headers over 16 KiB get 431, bodies over 16 MiB get 413, with or without a length', async () => {
    const { crowd } = await flood('300 requests too large', async (crowd) => {
      await crowd.open(100, (socket) => socket.write(head('GET', '/health', `X: ${'x'.repeat(17 * 1024)}\r\n`)))
      await crowd.open(100, (socket) => socket.write(head('POST', '/write', `Content-Length: ${17 * MIB}\r\n`)))
      await crowd.open(100, (socket) => {
        socket.write(`${head('POST', '/write', 'Transfer-Encoding: chunked\r\n')}${(17 * MIB).toString(16)}\r\n`)
        socket.write(Buffer.alloc(17 * MIB, 'x'))
      })
      await eventually('every request to be refused', 30_000, () => crowd.closed === 300)
    })
    assert.equal(crowd.heard('HTTP/1.1 431 ', '"HEADERS_TOO_LARGE"', 'larger than 16 KiB'), 100)
    const tooLarge = crowd.heard('HTTP/1.1 413 ', '"BODY_TOO_LARGE"', 'larger than 16777216 bytes')
    assert.ok(tooLarge >= 100, `${tooLarge} heard 413`)
  })

  test('large bodies from everywhere at once: some are taken, the rest hear 429 OVERLOADED, and memory stays bounded', async () => {
    const body = Buffer.alloc(15 * MIB, ' ')
    const { crowd, metrics } = await flood('200 bodies of 15 MiB', async (crowd) => {
      await crowd.open(200, (socket) => {
        socket.write(head('POST', '/write', `Content-Length: ${body.length + 1}\r\n`))
        socket.write(body)
      })
      await eventually('the bound to be met', 30_000, () => crowd.heard('HTTP/1.1 429 ') > 0)
      await delay(3_000)
    })
    const refused = crowd.heard(
      'HTTP/1.1 429 ',
      '"OVERLOADED"',
      'the bodies of requests that this node works on',
      'retry-after: 1',
    )
    console.log(`  ${refused} of 200 heard why they were refused`)
    assert.ok(refused > 0)
    assert.ok(metricValue(metrics, 'aspen_overloaded_total{queue="http_bodies"}') >= refused)
  })

  test('a hundred connections that send requests without end and read no answer: the node stops reading them', async () => {
    const requests = HEALTH.repeat(2_000)
    await flood('100 pipelines of 20,000 requests', async (crowd) => {
      await crowd.open(100, (socket) => {
        socket.pause()
        for (let i = 0; i < 10; i++) socket.write(requests)
      })
      await delay(5_000)
    })
  })

  test('more writes at once than the node takes: the rest hears 429 OVERLOADED with Retry-After, nothing waits unbounded', async (t) => {
    // What a turn reads fits the mailbox that nodes have; a small one is full at once.
    const usual = fleet
    fleet = await Fleet.start(3, { more: ['--log-level', 'error', '--raft-mailbox-capacity', '50'] })
    node = await fleet.leaderNode(SETTLE_TIMEOUT_MS)
    t.after(async () => {
      await fleet.stop()
      fleet = usual
      node = await fleet.leaderNode(SETTLE_TIMEOUT_MS)
    })
    const { crowd, metrics } = await flood('9,000 writes, a thousand at once', async (crowd) => {
      // Whoever says nothing for five seconds is closed, and on a busy machine it takes that long to open them all.
      for (let opened = 0; opened < 9_000; opened += 1_000) {
        await crowd.open(1_000)
        for (const [i, { socket }] of crowd.callers.slice(opened).entries()) socket.write(set(`k${opened + i}`, 'v'))
      }
      await eventually('every write to be answered', 30_000, () => crowd.heard('HTTP/1.1 ') === 9_000)
    })
    const [taken, refused] = [crowd.heard('HTTP/1.1 200 '), crowd.heard('HTTP/1.1 429 ', '"OVERLOADED"', 'retry-after: 1')]
    console.log(`  ${taken} writes were acknowledged, ${refused} refused`)
    assert.ok(taken > 0 && refused > 0)
    assert.equal(crowd.heard('HTTP/1.1 500 '), 0)
    assert.equal(taken + refused, 9_000)
    assert.ok(metricValue(metrics, 'aspen_overloaded_total{queue="mailbox"}') >= refused)
  })

  test('refused bodies that go on in chunks of a byte, bodies of millions of values, pages that nobody reads: nobody loses the lead', async () => {
    const before = await leaderChanges()
    const refused = head('POST', '/write', 'Transfer-Encoding: chunked\r\n').replace('Host: 127.0.0.1', 'Host: example.org')
    const chunks = Buffer.from('1\r\n \r\n'.repeat(10_000))
    await flood('60 refused bodies of short chunks', async (crowd) => {
      await crowd.open(60, (socket) => {
        socket.write(refused)
        socket.on('drain', () => socket.write(chunks))
        while (socket.write(chunks));
      })
      await eventually('every connection to be ended', 20_000, () => crowd.closed === 60)
    })
    const values = Buffer.from(`[${'{},'.repeat(5 * MIB)}{}]`)
    await flood('20 bodies of five million values', async (crowd) => {
      await crowd.open(20, (socket) => {
        socket.write(head('POST', '/write', `Content-Length: ${values.length}\r\n`))
        socket.write(values)
      })
      await eventually('every body to be refused', 20_000, () => crowd.closed === 20)
      assert.equal(crowd.heard('HTTP/1.1 400 ', 'more than 10000 values'), 20)
    })
    for (const key of ['pa', 'pb', 'pc']) await put(key, 'v'.repeat(1_000_000))
    await flood('300 pages that nobody reads, on 3 connections', async (crowd) => {
      await crowd.open(3, (socket) => {
        socket.pause()
        socket.write(post('/scan', '{"prefix":"p"}').repeat(100))
      })
      await delay(5_000)
    })
    assert.equal(await leaderChanges(), before)
  })

  test('a thousand connections that ask for 120 documents each, read none, and leave at once: what nobody reads is not made', async () => {
    const before = await leaderChanges()
    const { metrics } = await flood('1,000 pipelines of 120 documents', async (crowd) => {
      await crowd.open(1_000, (socket) => {
        socket.pause()
        socket.write(head('GET', '/openapi.json', '').repeat(120))
      })
      await delay(3_000)
    })
    // The system takes in some megabytes for each of them.
    const made = metricValue(metrics, 'aspen_http_requests_total{route="/openapi.json",status="200"}')
    console.log(`  ${made} of 120,000 answers were made`)
    assert.ok(made < 50_000, `${made} answers were made`)
    assert.equal(await leaderChanges(), before)
  })

  test('writes that do not wait for each other, from thousands of connections: are taken in turns', async () => {
    const { crowd } = await flood('40,000 writes in 4,000 pipelines', async (crowd) => {
      await crowd.open(4_000)
      for (const [i, { socket }] of crowd.callers.entries()) socket.write(set(`k${i}`, 'v').repeat(10))
      await eventually('every connection to be answered', 30_000, () => crowd.heard('HTTP/1.1 ') === 4_000)
    })
    const [taken, refused] = [crowd.heard('HTTP/1.1 200 '), crowd.heard('HTTP/1.1 429 ', '"OVERLOADED"', 'retry-after: 1')]
    console.log(`  ${taken} connections had a write acknowledged, ${refused} a refusal`)
    assert.ok(taken > 0)
    assert.equal(crowd.heard('HTTP/1.1 500 '), 0)
    // One connection may have heard both.
    const others = crowd.callers.filter(({ heard }) => !/^HTTP\/1\.1 (200|429) /.test(heard))
    assert.deepEqual(
      others.map(({ heard }) => heard),
      [],
    )
  })
})

async function leaderChanges(): Promise<number> {
  const metrics = await fetch(`${node.url}/metrics`)
  return metricValue(await metrics.text(), 'aspen_leader_changes_total')
}

async function put(key: string, value: string): Promise<void> {
  const { status } = await fetch(`${node.url}/write`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ command: { Set: { key, value } } }),
  })
  assert.equal(status, 200)
}

/** A byte a second, until the other side has had enough. */
function trickle(socket: Socket, text: string): void {
  let sent = 0
  const timer = setInterval(() => {
    if (sent < text.length) socket.write(text.charAt(sent++))
  }, 1_000)
  socket.once('close', () => clearInterval(timer))
}
