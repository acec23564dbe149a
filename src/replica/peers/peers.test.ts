import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Prng } from '../../lib/index.ts'
import type { Channel, Lane, Links } from '../../ports/index.ts'
import { Raft } from '../../raft/index.ts'
import { encodeMembership } from '../../wire/index.ts'
import { handContext } from '../hand-context.test.ts'
import { HandLog, HandSnapshots, HandState, keyOf, membershipOf } from '../hand-driven-stores.test.ts'
import { Snapshots, TurnLoop } from '../turn/index.ts'
import type { PeerHandlers } from './intake.ts'
import { Peers } from './peers.ts'

const timings = { heartbeatIntervalMs: 10_000, electionTimeoutMinMs: 100_000, electionTimeoutMaxMs: 200_000 }

/** Links that note what is said on them, and of whom nothing is heard. */
class NotingLinks implements Links {
  readonly endpointId = keyOf(1)
  readonly sent: string[] = []

  attach(): Channel {
    const send = (endpointId: string, _parts: readonly Uint8Array[], lane: Lane): boolean => {
      this.sent.push(`${lane} ${endpointId}`)
      return true
    }
    return { send, detach: () => undefined }
  }

  peers(): readonly never[] {
    return []
  }
}

/** Nobody asks anything. */
const nobody: PeerHandlers = {
  forwarded: () => undefined,
  answered: () => undefined,
  linkOpened: () => undefined,
  linkClosed: () => undefined,
}

function bench(): { peers: Peers; loop: TurnLoop; transport: NotingLinks } {
  const raft = new Raft(
    { id: 1, endpointId: keyOf(1), timings, random: new Prng(1), incarnation: 7, encodeMembership },
    {
      term: 1,
      votedFor: null,
      purged: { term: 0, index: 0 },
      entries: [{ term: 1, size: 1 }],
      memberships: [{ index: 1, membership: membershipOf([1, 2, 3]) }],
      applied: 1,
    },
    0,
  )
  const clock = { now: () => 0, setTimer: () => ({ cancel: () => undefined }), defer: () => undefined }
  const loop = new TurnLoop(clock, { turn: () => Number.POSITIVE_INFINITY, faulted: () => undefined })
  const context = handContext({ loop, raft, clock })
  const stateMachine = new HandState()
  const stores = { log: new HandLog(), stateMachine, snapshots: new HandSnapshots() }
  const transport = new NotingLinks()
  const nop = (): void => undefined
  const options = { transport, nodeIdHint: () => null, onLinked: nop, onClusterId: nop, onMembership: nop }
  const peers = new Peers(context, options, stores, new Snapshots(context, stateMachine))
  peers.start(nobody)
  return { peers, loop, transport }
}

const progress = { type: 'snapshot-progress', from: 1, term: 1, id: 'x', received: 0 } as const

describe('Peers', () => {
  test('send: goes to the key that the id is bound to', () => {
    const { peers, transport } = bench()
    assert.equal(peers.send(2, progress, 'bulk'), true)
    assert.deepEqual(transport.sent, [`bulk ${keyOf(2)}`])
    assert.equal(peers.send(9, progress, 'bulk'), false, 'nobody has this id')
  })

  test('send, sendTo: nothing leaves after a fault, or after the end', () => {
    for (const end of [(loop: TurnLoop) => loop.fail(new Error('boom')), (loop: TurnLoop) => loop.close()]) {
      const { peers, loop, transport } = bench()
      end(loop)
      assert.equal(peers.send(2, progress, 'priority'), false)
      assert.equal(peers.sendTo(keyOf(2), progress), false)
      assert.deepEqual(transport.sent, [])
    }
  })
})
