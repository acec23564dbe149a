import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AspenError } from '../../api/index.ts'
import type { ErrorCode } from '../../api/index.ts'
import { MAX_ADMIN_REQUESTS, MAX_PROPOSAL_BYTES, MAX_PROPOSALS, MAX_REQUEST_TIMEOUT_MS } from '../../limits.ts'
import type { ForwardReply, ForwardRequest, PeerMessage } from '../../wire/index.ts'
import { Forwarder } from './forwarder.ts'
import type { Job } from './forwarder.ts'
import { handContext } from '../hand-context.test.ts'
import { Answers } from '../hand-driven-stores.test.ts'

const FOREVER = 50_000
const FIRST_ID = 77
const BODY = Uint8Array.of(1, 2, 3)
const noLeader = (): AspenError => new AspenError('NO_LEADER', 'nobody leads')
/** The answer to the sending of this number, from 1. */
const accepted = (nth: number): ForwardReply => ({
  type: 'forward-reply',
  id: FIRST_ID + nth - 1,
  ok: true,
  body: Uint8Array.of(9),
})
const refusal = (nth: number, code: ErrorCode): ForwardReply => ({
  type: 'forward-reply',
  id: FIRST_ID + nth - 1,
  ok: false,
  code,
  message: 'why',
  details: { fact: 1 },
})

const keyOf = (leader: number): string => `key-${leader}`

/** A forwarder with a leader, a link to it and a role that the test sets. */
class Bench {
  now = 1000
  leader: number | null = 1
  /** There is a link, and it takes what it is given. */
  linked = true
  full = false
  leads = false
  readonly sent: { to: string; request: ForwardRequest }[] = []
  /** Whoever leads under this id has been replaced as often. */
  replaced = 0
  readonly ranHere: Job[] = []
  readonly answers = new Answers<Uint8Array>()
  /** This node, as the core knows it. */
  readonly id = 9
  readonly #context = handContext<never, 'id' | 'leader'>({ raft: this, clock: { now: () => this.now } })
  readonly forwarder = new Forwarder(this.#context, FIRST_ID, this, this)

  linkToLeader(leader: number): string | null {
    return this.linked ? this.keyOf(leader) : null
  }

  sendTo(to: string, request: PeerMessage): boolean {
    assert.ok(this.linked, 'nothing is encoded for a link that is not there')
    assert.ok(request.type === 'forward')
    if (!this.full) this.sent.push({ to, request })
    return !this.full
  }

  run(job: Job): void {
    this.ranHere.push(job)
  }

  keyOf(leader: number): string {
    return `${keyOf(leader)}${'+'.repeat(this.replaced)}`
  }

  submit(name: string, deadline = FOREVER, body: Uint8Array = BODY): void {
    this.forwarder.submit('write', body, deadline, this.answers.reply(name))
  }

  get ids(): number[] {
    return this.sent.map(({ request }) => request.id)
  }
}

describe('Forwarder', () => {
  test('submit: sends the job to the leader with what is left of its deadline, and passes the answer on', () => {
    const bench = new Bench()
    bench.submit('a', 1250.5)
    assert.deepEqual(bench.sent, [
      { to: keyOf(1), request: { type: 'forward', id: FIRST_ID, operation: 'write', timeoutMs: 250.5, body: BODY } },
    ])
    bench.forwarder.answered(keyOf(1), accepted(1))
    assert.deepEqual(bench.answers.outcomes, ['a: ok'])
    assert.deepEqual(bench.answers.values, [Uint8Array.of(9)])
    assert.equal(bench.forwarder.count, 0)
    bench.forwarder.answered(keyOf(1), accepted(1))
    bench.forwarder.expire(FOREVER, noLeader)
    assert.equal(bench.answers.outcomes.length, 1)
  })

  test('submit: gives every sending an id of its own', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.submit('b')
    bench.forwarder.answered(keyOf(1), refusal(1, 'NOT_LEADER'))
    bench.forwarder.retry()
    assert.equal(new Set(bench.ids).size, 3)
  })

  test('retry: sends what waited for a leader or a link', () => {
    const bench = new Bench()
    bench.leader = null
    bench.submit('a')
    bench.linked = false
    bench.leader = 2
    bench.submit('b')
    bench.forwarder.retry()
    assert.deepEqual([bench.sent.length, bench.forwarder.count], [0, 2])
    bench.linked = true
    bench.forwarder.retry()
    assert.deepEqual(
      bench.sent.map(({ to }) => to),
      [keyOf(2), keyOf(2)],
    )
    bench.forwarder.retry()
    assert.equal(bench.sent.length, 2, 'what is sent is not sent again')
  })

  test('retry: sends again what a full queue did not take', () => {
    const bench = new Bench()
    bench.full = true
    bench.submit('a')
    bench.forwarder.linkClosed(keyOf(1))
    assert.deepEqual([bench.answers.outcomes, bench.forwarder.count], [[], 1])
    bench.full = false
    bench.forwarder.retry()
    assert.equal(bench.sent.length, 1)
  })

  test('submit: says that between 1 and the most a request may ask for is left of the deadline', () => {
    const bench = new Bench()
    for (const deadline of [bench.now, bench.now - 500, Number.NaN, Number.POSITIVE_INFINITY]) bench.submit('a', deadline)
    assert.deepEqual(
      bench.sent.map(({ request }) => request.timeoutMs),
      [1, 1, 1, MAX_REQUEST_TIMEOUT_MS],
    )
  })

  test('retry: runs here what waited when this node has come to lead', () => {
    const bench = new Bench()
    bench.leader = null
    bench.submit('a')
    bench.leads = true
    bench.forwarder.retry()
    assert.deepEqual([bench.ranHere.length, bench.sent.length, bench.forwarder.count], [1, 0, 0])
    bench.ranHere[0]?.reply(undefined, Uint8Array.of(7))
    assert.deepEqual(bench.answers.outcomes, ['a: ok'])
  })

  test('answered: NOT_LEADER sends the job to the next leader', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.forwarder.answered(keyOf(1), refusal(1, 'NOT_LEADER'))
    assert.deepEqual([bench.answers.outcomes.length, bench.forwarder.count], [0, 1])
    bench.leader = 3
    bench.forwarder.retry()
    assert.deepEqual(bench.sent[1], {
      to: keyOf(3),
      request: { type: 'forward', id: FIRST_ID + 1, operation: 'write', timeoutMs: FOREVER - 1000, body: BODY },
    })
  })

  test('answered: NOT_LEADER of a node that is known to lead no more sends the job to the new leader at once', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.leader = 3
    bench.forwarder.answered(keyOf(1), refusal(1, 'NOT_LEADER'))
    assert.deepEqual(
      bench.sent.map(({ to }) => to),
      [keyOf(1), keyOf(3)],
    )
    bench.forwarder.answered(keyOf(3), refusal(2, 'NOT_LEADER'))
    assert.deepEqual([bench.sent.length, bench.forwarder.count], [2, 1], 'a leader that refuses is not asked again at once')
    bench.leader = null
    bench.leads = true
    bench.forwarder.retry()
    assert.equal(bench.ranHere.length, 1)
  })

  test('answered: every other refusal is the answer, and nothing is sent again', () => {
    const codes: ErrorCode[] = ['OVERLOADED', 'NOT_APPLIED', 'OUTCOME_UNKNOWN', 'QUOTA_EXCEEDED', 'INTERNAL', 'STOPPING']
    for (const code of codes) {
      const bench = new Bench()
      bench.submit('a')
      bench.forwarder.answered(keyOf(1), refusal(1, code))
      bench.forwarder.retry()
      assert.deepEqual([bench.answers.outcomes, bench.sent.length], [[`a: ${code}`], 1])
    }
  })

  test('answered: an answer counts only from the node that was asked', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.forwarder.answered(keyOf(2), accepted(1))
    bench.forwarder.answered(keyOf(2), refusal(1, 'NOT_LEADER'))
    bench.forwarder.retry()
    assert.deepEqual([bench.answers.outcomes, bench.sent.length], [[], 1])
    bench.forwarder.answered(keyOf(1), accepted(1))
    assert.deepEqual(bench.answers.outcomes, ['a: ok'])
  })

  test('linkClosed: what that peer was sent is unknown and not sent again; the rest goes on', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.leader = 2
    bench.submit('b')
    bench.leader = null
    bench.submit('c')
    bench.forwarder.linkClosed(keyOf(1))
    assert.deepEqual(bench.answers.outcomes, ['a: OUTCOME_UNKNOWN'])
    bench.leader = 2
    bench.forwarder.retry()
    assert.equal(bench.sent.length, 3)
    bench.forwarder.answered(keyOf(1), accepted(1))
    bench.forwarder.answered(keyOf(2), accepted(2))
    bench.forwarder.answered(keyOf(2), accepted(3))
    assert.deepEqual(bench.answers.outcomes.slice(1), ['b: ok', 'c: ok'])
  })

  test('linkClosed: of two keys that have led under one id, only what was sent on the link that ended is unknown', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.replaced = 1
    bench.submit('b')
    bench.forwarder.answered(bench.keyOf(1), accepted(1))
    assert.deepEqual(bench.answers.outcomes, [], 'the new key answers nothing that the old one was asked')
    bench.forwarder.linkClosed(keyOf(1))
    assert.deepEqual(bench.answers.outcomes, ['a: OUTCOME_UNKNOWN'])
    bench.forwarder.answered(bench.keyOf(1), accepted(2))
    assert.deepEqual(bench.answers.outcomes, ['a: OUTCOME_UNKNOWN', 'b: ok'])
  })

  test('answered: NOT_LEADER of a key that was replaced sends the job to the new key at once', () => {
    const bench = new Bench()
    bench.submit('a')
    bench.replaced = 1
    bench.forwarder.answered(keyOf(1), refusal(1, 'NOT_LEADER'))
    assert.deepEqual(
      bench.sent.map(({ to }) => to),
      [keyOf(1), bench.keyOf(1)],
    )
  })

  test('expire: what was sent is unknown, what never was is told why', () => {
    const bench = new Bench()
    bench.submit('sent', 2000)
    bench.submit('sent later', 2001)
    bench.leader = null
    bench.submit('kept', 2000)
    bench.submit('kept later', 2001)
    bench.forwarder.expire(1999, noLeader)
    assert.deepEqual(bench.answers.outcomes, [])
    bench.forwarder.expire(2000, noLeader)
    assert.deepEqual(bench.answers.outcomes, ['kept: NO_LEADER', 'sent: OUTCOME_UNKNOWN'])
    assert.equal(bench.forwarder.count, 2)
    bench.forwarder.answered(keyOf(1), accepted(1))
    bench.forwarder.expire(2001, noLeader)
    assert.deepEqual(bench.answers.outcomes.slice(2), ['kept later: NO_LEADER', 'sent later: OUTCOME_UNKNOWN'])
    assert.equal(bench.forwarder.count, 0)
  })

  test('abandon: what never was sent is told why, what was is unknown', () => {
    const bench = new Bench()
    bench.submit('sent')
    bench.leader = null
    bench.submit('kept')
    bench.forwarder.abandon(new AspenError('STOPPING', 'the node stops'))
    assert.deepEqual(bench.answers.outcomes, ['kept: STOPPING', 'sent: OUTCOME_UNKNOWN'])
    assert.equal(bench.forwarder.count, 0)
    bench.forwarder.answered(keyOf(1), accepted(1))
    bench.forwarder.retry()
  })

  test('submit: refuses past the bound by count, and takes jobs again once some are answered', () => {
    const bench = new Bench()
    const silent = (): void => undefined
    for (let i = 0; i < MAX_PROPOSALS - 1; i++) bench.forwarder.submit('admin', BODY, FOREVER, silent)
    bench.leader = null
    bench.forwarder.submit('admin', BODY, FOREVER, silent)
    assert.throws(() => bench.submit('late'), { name: 'AspenError', code: 'OVERLOADED', details: { queue: 'forwarder' } })
    bench.forwarder.answered(keyOf(1), accepted(1))
    bench.submit('in time')
  })

  test('submit: data at its bounds, by count and by bytes, leaves room for administration, which has a bound too', () => {
    const silent = (): void => undefined
    const fills: Record<string, (bench: Bench) => void> = {
      'by count': (bench) => {
        for (let i = 0; i < MAX_PROPOSALS; i++) bench.forwarder.submit('write', BODY, FOREVER, silent)
      },
      'by bytes': (bench) => bench.forwarder.submit('write', new Uint8Array(MAX_PROPOSAL_BYTES), FOREVER, silent),
    }
    for (const [how, fill] of Object.entries(fills)) {
      const bench = new Bench()
      fill(bench)
      assert.throws(() => bench.submit('late'), { code: 'OVERLOADED' }, how)
      const room = MAX_PROPOSALS + MAX_ADMIN_REQUESTS - bench.forwarder.count
      assert.ok(room >= MAX_ADMIN_REQUESTS, how)
      for (let i = 0; i < room; i++) bench.forwarder.submit('admin', BODY, FOREVER, silent)
      assert.deepEqual(
        [bench.sent.length, bench.sent.at(-1)?.request.operation],
        [MAX_PROPOSALS + MAX_ADMIN_REQUESTS, 'admin'],
        how,
      )
      const details = { queue: 'forwarder' }
      assert.throws(() => bench.forwarder.submit('admin', BODY, FOREVER, silent), { code: 'OVERLOADED', details }, how)
      assert.throws(() => bench.submit('later'), { code: 'OVERLOADED' }, `${how}: the room is not for data`)
    }
  })

  test('submit: refuses past the bound by bytes, which those that run here count towards', () => {
    const bench = new Bench()
    bench.leads = true
    bench.submit('large', FOREVER, new Uint8Array(MAX_PROPOSAL_BYTES - 2))
    assert.throws(() => bench.submit('late'), { code: 'OVERLOADED' })
    bench.submit('small', FOREVER, new Uint8Array(2))
    for (const job of bench.ranHere) job.reply(undefined, BODY)
    bench.submit('again', FOREVER, new Uint8Array(MAX_PROPOSAL_BYTES))
  })
})
