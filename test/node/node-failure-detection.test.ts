import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MemberCondition } from '../../src/api/index.ts'
import { MEMBER_ATTENTION_MS } from '../../src/limits.ts'
import { PeerBook } from '../../src/peers/index.ts'
import type { LogLevel, PeerReport } from '../../src/ports/index.ts'
import { ManualClock } from '../manual-clock.ts'
import { NodeFailureDetection, suspect } from '../../src/node/node-failure-detection.ts'
import type { Evidence } from '../../src/node/node-failure-detection.ts'

const keyOf = (id: number): string => String(id).repeat(64)

const report = (changes: Partial<PeerReport> = {}): PeerReport => ({
  endpointId: keyOf(2),
  state: 'connected',
  claims: null,
  lastError: null,
  path: 'direct',
  ...changes,
})
const lost = (lastError: string | null): PeerReport => report({ state: 'waiting', path: null, lastError })

const NOW = 1_000_000
const evidence = (changes: Partial<Evidence>): Evidence => ({
  report: report(),
  takesPart: true,
  silentMs: null,
  unlinkedSince: null,
  passedOnAt: null,
  ...changes,
})

describe('suspect', () => {
  const unlinked = (lastError: string | null, passedOnAt: number | null = null): Partial<Evidence> => ({
    report: lost(lastError),
    takesPart: false,
    unlinkedSince: NOW - 10_000,
    passedOnAt,
  })
  const cases: readonly (readonly [name: string, changes: Partial<Evidence>, condition: MemberCondition, words: RegExp])[] = [
    ['a link over which it takes part', {}, 'well', /linked/],
    ['a link over which it takes no part', { takesPart: false }, 'actor-down', /RaftActor/],
    ['a link over which a leader hears nothing', { silentMs: 1_600 }, 'stalled', /silent for 1\.6 s/],
    ['nobody who listens', unlinked('ECONNREFUSED: nothing listens at h:1'), 'crashed', /ended, or it has moved.*h:1/],
    ['nobody who listens, and news of it from before', unlinked('ECONNREFUSED: no', NOW - 10_500), 'crashed', /ended/],
    ['a connection that nobody speaks on', unlinked('STALLED: the peer took the connection'), 'stalled', /its process does not/],
    [
      'a link that fell silent',
      unlinked('SILENT: the peer was silent'),
      'unlinked',
      /stands still, its machine is off, or the network is cut/,
    ],
    ['no answer', unlinked('TIMEOUT: no address accepted a connection in time'), 'unreachable', /off, or the network is cut/],
    ['no way', unlinked('EHOSTUNREACH: connecting to h:1 failed'), 'unreachable', /no answer/],
    ['no answer, and news of it since', unlinked('TIMEOUT: no', NOW - 3_000), 'cut-off', /said 3\.0 s ago.*cut \(TIMEOUT/],
    ['no answer, and news of it that were under way', unlinked('TIMEOUT: no', NOW - 9_000), 'unreachable', /no answer/],
    [
      'no answer, and news of it long ago',
      { ...unlinked('TIMEOUT: no', NOW - 180_000), unlinkedSince: NOW - 900_000 },
      'unreachable',
      /no answer/,
    ],
    ['another cookie', unlinked('COOKIE_MISMATCH: the cookies differ', NOW), 'refused', /it is there.*cookies differ/],
    ['two processes of one identity', unlinked('IDENTITY_IN_USE: two processes'), 'refused', /two processes/],
    ['nothing yet', unlinked(null), 'unlinked', /no attempt has failed yet/],
    ['something else', unlinked('EPROTO: what'), 'unlinked', /EPROTO/],
    ['nobody who was dialled', { report: undefined, unlinkedSince: NOW }, 'unlinked', /no link/],
  ]
  for (const [name, changes, condition, words] of cases) {
    test(`suspect: ${condition}, of ${name}`, () => {
      const suspicion = suspect(evidence(changes), NOW)
      assert.equal(suspicion.condition, condition)
      assert.match(suspicion.detail, words)
    })
  }
})

/** Node 1, which leads, and what it sees of node 2. */
class Bench {
  readonly clock = new ManualClock()
  readonly book = new PeerBook({ now: () => this.clock.now() })
  readonly lines: (readonly [LogLevel, string])[] = []
  peer = report()
  takesPart = true
  members = [1, 2]
  lastContactMs: number | undefined = 10
  readonly detection = new NodeFailureDetection({
    links: { endpointId: keyOf(1), peers: () => [this.peer] },
    peerBook: this.book,
    clock: this.clock,
    logger: { log: (level, words) => void this.lines.push([level, words]) },
    membership: () => ({
      voters: this.members,
      outgoing: [],
      learners: [],
      members: this.members.map((id) => ({ id, endpointId: keyOf(id), addresses: [] })),
    }),
    takesPart: () => this.takesPart,
    silenceMs: 1_500,
    progress: () =>
      this.lastContactMs === undefined
        ? undefined
        : { state: 'replicate', match: 1, lastContactMs: this.lastContactMs, roundMs: null, keepsUp: true },
  })

  get condition(): string {
    return this.detection.report.map(({ condition }) => condition).join()
  }
}

describe('NodeFailureDetection', () => {
  test('report: the other members, and from when on each is not well', () => {
    const bench = new Bench()
    bench.detection.start()
    assert.equal(bench.condition, 'well')
    bench.clock.advance(5_000)
    bench.peer = lost('ECONNREFUSED: no')
    bench.clock.advance(10_000)
    const [member] = bench.detection.report
    assert.ok(member !== undefined)
    assert.deepEqual([member.nodeId, member.condition, member.needsAttention], [2, 'crashed', false])
    assert.ok(member.forMs >= 9_000 && member.forMs <= 10_000)
    bench.members = [1]
    assert.deepEqual(bench.detection.report, [])
    bench.clock.advance(1_000)
    bench.members = [1, 2]
    const again = bench.detection.report
    assert.deepEqual(
      again.map(({ forMs }) => forMs),
      [0],
      'whoever is added again begins anew',
    )
    bench.detection.stop()
  })

  test('report: silence counts for a leader alone, from an election timeout on', () => {
    const bench = new Bench()
    bench.lastContactMs = 1_499
    assert.equal(bench.condition, 'well')
    bench.lastContactMs = 1_500
    assert.equal(bench.condition, 'stalled')
    bench.lastContactMs = undefined
    assert.equal(bench.condition, 'well')
  })

  test('report: news of a node count when they are newer than others that were heard in this life', () => {
    const bench = new Bench()
    const hear = (): void => void bench.book.add({ endpointId: keyOf(2), nodeId: 2, addresses: ['h:2'] }, 'gossip')
    bench.detection.start()
    bench.peer = lost('TIMEOUT: no')
    bench.clock.advance(10_000)
    hear()
    bench.clock.advance(2_000)
    assert.equal(bench.condition, 'unreachable', 'it may have said that before it died')
    hear()
    bench.clock.advance(2_000)
    assert.equal(bench.condition, 'cut-off')
    bench.detection.stop()
  })

  test('report: needs attention after a minute, whatever it is of, and one line says so; and one when it is well', () => {
    const bench = new Bench()
    bench.detection.start()
    bench.clock.advance(1_000)
    bench.peer = lost('TIMEOUT: no')
    bench.clock.advance(MEMBER_ATTENTION_MS / 2)
    bench.peer = lost('ECONNREFUSED: no')
    bench.clock.advance(MEMBER_ATTENTION_MS / 2 - 1_000)
    assert.deepEqual([bench.detection.report[0]?.needsAttention, bench.lines], [false, []])
    bench.clock.advance(3_000)
    assert.equal(bench.detection.report[0]?.needsAttention, true)
    assert.deepEqual(
      bench.lines.map(([level]) => level),
      ['warn'],
    )
    assert.match(bench.lines[0]?.[1] ?? '', /^member 2 needs attention: nothing listens/)
    bench.clock.advance(10 * MEMBER_ATTENTION_MS)
    assert.equal(bench.lines.length, 1)
    bench.peer = report()
    bench.clock.advance(2_000)
    assert.deepEqual(bench.lines.slice(1), [['info', 'member 2 is well again']])
    bench.peer = lost('TIMEOUT: no')
    bench.clock.advance(MEMBER_ATTENTION_MS + 3_000)
    assert.equal(bench.lines.length, 3)
    bench.detection.stop()
    bench.clock.advance(MEMBER_ATTENTION_MS)
  })

  test('report: what was not well for a moment needs no attention', () => {
    const bench = new Bench()
    bench.detection.start()
    for (let i = 0; i < 10; i++) {
      bench.peer = lost('TIMEOUT: no')
      bench.clock.advance(MEMBER_ATTENTION_MS - 2_000)
      bench.peer = report()
      bench.clock.advance(2_000)
    }
    assert.deepEqual(bench.lines, [])
  })
})
