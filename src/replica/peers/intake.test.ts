import { Language, LANGUAGE, LaterVersion } from '../../commands/index.ts'
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concatBytes } from '../../lib/index.ts'
import type { LinkedPeer } from '../../ports/index.ts'
import type { Message } from '../../raft/index.ts'
import { encodePeerMessage } from '../../wire/index.ts'
import type {
  ForwardReply,
  ForwardRequest,
  PeerMessage,
  PeerReminder,
  SnapshotChunk,
  SnapshotProgress,
} from '../../wire/index.ts'
import { ClusterBinding } from '../turn/index.ts'
import { Directory } from './directory.ts'
import { handContext, handLoop } from '../hand-context.test.ts'
import { countingMetrics, keyOf, membershipOf, storedSnapshot } from '../hand-driven-stores.test.ts'
import { Intake } from './intake.ts'

const heartbeat = (from: number, to = 1): Message => ({
  type: 'heartbeat',
  from,
  to,
  term: 1,
  commit: 0,
  incarnation: 1,
  round: 0,
})
const STRANGER = 'f'.repeat(64)
/** What the end of node 2's link is told. */
const CLOSED = ['closed 2', 'no snapshots for 2', `ended ${keyOf(2)}`]
const NO_LOG = { term: 0, index: 0 }
const raft = (message: Message): PeerMessage => ({ type: 'raft', message })
const forward: PeerMessage = { type: 'forward', id: 1, operation: 'write', timeoutMs: 5, body: Uint8Array.of(1) }
const forwardReply: PeerMessage = { type: 'forward-reply', id: 1, ok: true, body: Uint8Array.of(1) }
const chunk = (from: number): PeerMessage => ({
  type: 'snapshot-chunk',
  from,
  term: 1,
  snapshot: storedSnapshot(5),
  position: 0,
  bytes: new Uint8Array(0),
})
const progress = (from: number): PeerMessage => ({
  type: 'snapshot-progress',
  from,
  term: 1,
  id: storedSnapshot(5).id,
  received: 7,
})

/** Node 1 of cluster c1 with members 1 to 3; `seen` notes what was let through, in words. */
class Gate {
  readonly #cluster: ClusterBinding
  term = 1
  readonly seen: string[] = []
  readonly vias: (string | undefined)[] = []
  /** Who was reminded, and how much had happened on its link by then. */
  readonly reminders: string[] = []
  readonly directory = new Directory(1)
  readonly #metrics = countingMetrics()
  readonly intake: Intake

  constructor(clusterId: string | null = 'c1', language: Language = LANGUAGE) {
    this.#cluster = new ClusterBinding(clusterId)
    if (clusterId !== null) this.directory.follow(membershipOf([1, 2, 3]))
    const note = (text: string): void => void this.seen.push(text)
    const term = (): number => this.term
    const context = handContext({
      language,
      loop: handLoop(assert.fail),
      raft: {
        id: 1,
        get term() {
          return term()
        },
        tick: () => undefined,
        step: (message) => {
          note(`${message.type} from ${message.from}`)
          this.vias.push(message.via)
        },
        linkOpened: (id) => note(`opened ${id}`),
        linkClosed: (id) => note(`closed ${id}`),
        peerCrashed: (id) => note(`crashed ${id}`),
      },
      metrics: this.#metrics.metrics,
      cluster: this.#cluster,
    })
    const exchange = {
      chunk: ({ from }: SnapshotChunk) => note(`chunk from ${from}`),
      progressed: ({ from }: SnapshotProgress) => note(`progress from ${from}`),
      acknowledged: (peer: number, match: number) => note(`snapshot of ${peer}: ${match}`),
      wanted: () => undefined,
      linkClosed: (peer: number) => note(`no snapshots for ${peer}`),
    }
    const news = {
      linked: ({ endpointId }: LinkedPeer) => note(`linked ${endpointId}`),
      join: (id: string) => {
        this.#cluster.join(id)
        note(`adopt ${id}`)
      },
      unlinked: () => undefined,
      followMembership: () => undefined,
      reported: () => undefined,
      judged: () => undefined,
      spoke: () => undefined,
      remind: (endpointId: string) => void this.reminders.push(`${endpointId} after ${this.seen.length}`),
      reminded: (endpointId: string, { from, term }: PeerReminder) =>
        note(`reminded by ${from} of term ${term} on ${endpointId}`),
    }
    const handlers = {
      forwarded: (from: string, request: ForwardRequest) => note(`forward ${request.id} from ${from}`),
      answered: (from: string, reply: ForwardReply) => note(`reply ${reply.id} from ${from}`),
      linkOpened: () => note('retry'),
      linkClosed: (endpointId: string) => note(`ended ${endpointId}`),
    }
    this.intake = new Intake(context, this.directory, exchange, news, handlers)
  }

  get clusterId(): string | null {
    return this.#cluster.id
  }

  /** Opens a link and forgets what that was told. */
  link(key: string, nodeId: number, clusterId: string | null = 'c1'): LinkedPeer {
    const peer: LinkedPeer = { endpointId: key, claims: { nodeId, clusterId, addresses: [], languageVersion: 1 } }
    this.intake.opened(peer)
    this.seen.length = 0
    return peer
  }

  hear(key: string, message: PeerMessage): void {
    this.intake.message(key, concatBytes(encodePeerMessage(message)))
  }

  refusals(reason: string): number {
    return this.#metrics.counts.get(`aspen_peer_messages_refused_total ${reason}`) ?? 0
  }
}

describe('Intake: routing', () => {
  test('message: goes where its type says', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    for (const message of [raft(heartbeat(2)), forward, forwardReply, chunk(2), progress(2)]) gate.hear(keyOf(2), message)
    assert.deepEqual(gate.seen, [
      'heartbeat from 2',
      `forward 1 from ${keyOf(2)}`,
      `reply 1 from ${keyOf(2)}`,
      'chunk from 2',
      'progress from 2',
    ])
  })

  test('message: bytes that are no message are counted, and the node goes on', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    for (const bytes of [[], [0], [0x80], [0, 5, 3]]) gate.intake.message(keyOf(2), Uint8Array.from(bytes))
    assert.equal(gate.refusals('malformed'), 4)
    for (const bytes of [[1], [99, 1], [0x80, 1, 5]]) gate.intake.message(keyOf(2), Uint8Array.from(bytes))
    assert.equal(gate.refusals('group'), 3)
    for (const bytes of [
      [0, 200, 3],
      [0, 0],
    ])
      gate.intake.message(keyOf(2), Uint8Array.from(bytes))
    assert.equal(gate.refusals('message'), 2)
    assert.equal(gate.refusals('malformed'), 4, 'what a later version says is not malformed')
    gate.hear(keyOf(2), raft(heartbeat(2)))
    assert.deepEqual(gate.seen, ['heartbeat from 2'])
  })
})

describe('Intake: reminders', () => {
  const reminder: PeerMessage = { type: 'reminder', from: 2, term: 7, held: NO_LOG }

  test('opened: a peer is reminded first, once a link, and not when it only says something new of itself', () => {
    const gate = new Gate()
    const peer: LinkedPeer = {
      endpointId: keyOf(2),
      claims: { nodeId: 2, clusterId: 'c1', addresses: [], languageVersion: 1 },
    }
    gate.intake.opened(peer)
    gate.intake.claimed(peer)
    assert.deepEqual(gate.reminders, [`${keyOf(2)} after 0`])
  })

  test('message: a reminder is heard of members, and where this node has forgotten its cluster', () => {
    for (const [gate, key] of [
      [new Gate(), keyOf(2)],
      [new Gate(null), keyOf(2)],
    ] as const) {
      gate.link(key, 2)
      gate.hear(key, reminder)
      assert.deepEqual(gate.seen, [`reminded by 2 of term 7 on ${key}`])
    }
    assert.equal(new Gate(null).clusterId, null, 'it joins nothing by that')
  })

  test('message: a reminder of another cluster, under another name, or of a stranger with a member’s id is refused', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2, 'c2')
    gate.hear(keyOf(2), reminder)
    gate.link(keyOf(3), 3)
    gate.hear(keyOf(3), reminder)
    gate.link(STRANGER, 2)
    gate.hear(STRANGER, reminder)
    assert.deepEqual([gate.seen, gate.refusals('cluster'), gate.refusals('stranger')], [[], 1, 2])
  })
})

describe('Intake: entries of a later version', () => {
  /** An append of node 2 to node 1, in this term, with an entry of a kind that version 2 of the commands has. */
  const append = (term: number): Uint8Array =>
    Uint8Array.fromHex(`0003 02 01 0${term} 0000 00 01 01 01 0902 01 01 00`.replaceAll(' ', ''))

  test('message: from the leader stops the node before it acts, and says which version is needed', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    // What an input throws, the loop stops the node with.
    assert.throws(
      () => gate.intake.message(keyOf(2), append(1)),
      (fault: unknown) => {
        assert.ok(fault instanceof LaterVersion)
        assert.equal(fault.needs, 2)
        assert.match(fault.message, /append of node 2 .* needs version 2 of the commands, and this program knows 1/)
        return true
      },
    )
    assert.deepEqual(gate.seen, [], 'nothing of it reaches the core')
    assert.equal(gate.refusals('malformed'), 0)
  })

  test('message: of the version that the node itself knows is taken, whatever this program was built for', () => {
    const second = new Gate('c1', new Language(2, LANGUAGE.operations, LANGUAGE.conditions))
    second.link(keyOf(2), 2)
    const sameKind = append(1)
    sameKind[11] = 1
    second.intake.message(keyOf(2), sameKind)
    assert.deepEqual(second.seen, ['append from 2'])
    const third = append(1)
    third[12] = 3
    assert.throws(
      () => second.intake.message(keyOf(2), third),
      (fault: unknown) => {
        assert.ok(fault instanceof LaterVersion)
        assert.deepEqual([fault.needs, fault.knows], [3, 2])
        return true
      },
    )
  })

  test('message: from anyone else stops nobody', () => {
    const gate = new Gate()
    gate.link(keyOf(3), 3)
    gate.intake.message(keyOf(3), append(1))
    gate.intake.message(STRANGER, append(1))
    assert.equal(gate.refusals('stranger'), 2)
    gate.link(keyOf(2), 2, 'c2')
    gate.intake.message(keyOf(2), append(1))
    assert.equal(gate.refusals('cluster'), 1)
    gate.link(keyOf(2), 2)
    gate.term = 2
    gate.intake.message(keyOf(2), append(1))
    assert.deepEqual(gate.seen, [])
  })
})

describe('Intake: who speaks', () => {
  test('message: from a key that is not linked is refused', () => {
    const gate = new Gate()
    gate.hear(keyOf(2), raft(heartbeat(2)))
    assert.deepEqual([gate.seen, gate.refusals('stranger')], [[], 1])
  })

  test('message: under another name than that of its link is refused', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    for (const message of [raft(heartbeat(3)), chunk(3), progress(3)]) gate.hear(keyOf(2), message)
    assert.deepEqual([gate.seen, gate.refusals('stranger')], [[], 3])
  })

  test('message: nothing that a stranger with a member’s id answers counts, and nothing is done for it', () => {
    const gate = new Gate()
    gate.link(STRANGER, 2)
    const answers: Message[] = [
      { type: 'vote-response', from: 2, to: 1, term: 1, preVote: false, granted: true },
      {
        type: 'append-response',
        from: 2,
        to: 1,
        term: 1,
        success: true,
        match: 9,
        rejected: 0,
        hint: NO_LOG,
        incarnation: 1,
        round: 0,
      },
      { type: 'heartbeat-response', from: 2, to: 1, term: 1, incarnation: 1, round: 0 },
      { type: 'read-index', from: 2, to: 1, term: 1, incarnation: 1, context: 1 },
    ]
    for (const message of [...answers.map(raft), forward, forwardReply, progress(2)]) gate.hear(STRANGER, message)
    assert.deepEqual([gate.seen, gate.refusals('stranger')], [[], 7])
  })

  test('message: who was elected under a member’s id, with a key of which this node does not know yet, is heard', () => {
    const gate = new Gate()
    gate.link(STRANGER, 2)
    const vote: Message = { type: 'vote', from: 2, to: 1, term: 1, preVote: false, lastLog: NO_LOG, transfer: false }
    for (const message of [raft(vote), raft(heartbeat(2)), chunk(2)]) gate.hear(STRANGER, message)
    assert.deepEqual(gate.seen, ['vote from 2', 'heartbeat from 2', 'chunk from 2'])
    // It is asked from now on over its own link, and its answers as a leader are taken.
    assert.deepEqual([gate.directory.endpointFor('ask', 2), gate.directory.endpointFor('lead', 2)], [STRANGER, keyOf(2)])
    gate.seen.length = 0
    gate.hear(STRANGER, forwardReply)
    gate.intake.closed(STRANGER, 'lost')
    assert.deepEqual(gate.seen, [`reply 1 from ${STRANGER}`, `ended ${STRANGER}`])
    assert.equal(gate.directory.endpointFor('follow', 2), keyOf(2))
  })

  test('message: a stranger whose term is over is heard, so that it learns of the later one, and is nobody’s leader', () => {
    const gate = new Gate()
    gate.link(STRANGER, 2)
    gate.term = 2
    gate.hear(STRANGER, raft(heartbeat(2)))
    assert.deepEqual(gate.seen, ['heartbeat from 2'])
    assert.equal(gate.directory.endpointFor('ask', 2), keyOf(2))
    gate.hear(STRANGER, forwardReply)
    assert.equal(gate.refusals('stranger'), 1)
  })

  test('message: every request of consensus names the link on which its answer goes', () => {
    const gate = new Gate()
    gate.link(STRANGER, 2)
    gate.link(keyOf(3), 3)
    gate.hear(STRANGER, raft(heartbeat(2)))
    gate.hear(keyOf(3), raft(heartbeat(3)))
    assert.deepEqual(gate.vias, [STRANGER, keyOf(3)])
  })

  test('refused: a key that is bound but does not lead any more tells nothing of the one that does', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    gate.intake.closed(keyOf(2), 'lost')
    gate.link(STRANGER, 2)
    gate.hear(STRANGER, raft(heartbeat(2)))
    gate.seen.length = 0
    gate.intake.refused(keyOf(2))
    assert.deepEqual(gate.seen, [])
  })

  test('message: a member that leads under its own key again is the one that is answered', () => {
    const gate = new Gate()
    gate.link(STRANGER, 2)
    gate.link(keyOf(2), 2)
    gate.hear(STRANGER, raft(heartbeat(2)))
    gate.hear(keyOf(2), raft(heartbeat(2)))
    assert.equal(gate.directory.endpointFor('ask', 2), keyOf(2))
  })

  test('message: a key that is bound to one id leads under no other', () => {
    const gate = new Gate()
    gate.link(keyOf(3), 2)
    gate.hear(keyOf(3), raft(heartbeat(2)))
    assert.deepEqual([gate.seen, gate.refusals('stranger')], [[], 1])
  })

  test('message: for another node is refused', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    gate.hear(keyOf(2), raft(heartbeat(2, 3)))
    assert.deepEqual([gate.seen, gate.refusals('stranger')], [[], 1])
  })
})

describe('Intake: clusters', () => {
  test('message: from another cluster, or from none, is refused', () => {
    for (const theirs of ['c2', null]) {
      const gate = new Gate()
      gate.link(keyOf(2), 2, theirs)
      for (const message of [raft(heartbeat(2)), forward, forwardReply, chunk(2), progress(2)]) gate.hear(keyOf(2), message)
      assert.deepEqual([gate.seen, gate.refusals('cluster')], [[], 5])
    }
  })

  test('message: a node of no cluster joins that of the leader or candidate that speaks to it', () => {
    const log = { term: 0, index: 0 }
    const joining: Message[] = [
      heartbeat(2),
      { type: 'append', from: 2, to: 1, term: 1, prev: log, count: 0, entries: [], commit: 0, incarnation: 1, round: 0 },
      { type: 'vote', from: 2, to: 1, term: 1, preVote: false, lastLog: log, transfer: false },
    ]
    for (const message of joining) {
      const gate = new Gate(null)
      gate.link(keyOf(2), 2, 'c7')
      gate.hear(keyOf(2), raft(message))
      assert.deepEqual(gate.seen, ['adopt c7', `${message.type} from 2`])
      gate.hear(keyOf(2), raft(message))
      assert.deepEqual(gate.seen.slice(2), [`${message.type} from 2`], 'it adopts once')
    }
  })

  test('message: nothing else makes a node of no cluster join', () => {
    const gate = new Gate(null)
    gate.link(keyOf(2), 2, 'c7')
    const response: Message = { type: 'heartbeat-response', from: 2, to: 1, term: 1, incarnation: 1, round: 0 }
    for (const message of [raft(response), forward, progress(2)]) gate.hear(keyOf(2), message)
    assert.deepEqual([gate.seen, gate.clusterId, gate.refusals('cluster')], [[], null, 3])
    gate.hear(keyOf(2), chunk(2))
    assert.deepEqual([gate.seen, gate.clusterId], [['chunk from 2'], null])
  })

  test('message: a node of no cluster is answered by the one that it asked to found one, and joins nothing by that', () => {
    for (const theirs of ['c7', null]) {
      const gate = new Gate(null)
      gate.link(keyOf(2), 2, theirs)
      gate.hear(keyOf(2), forwardReply)
      assert.deepEqual([gate.seen, gate.clusterId], [[`reply 1 from ${keyOf(2)}`], null])
    }
  })

  test('message: between two nodes of no cluster is refused', () => {
    const gate = new Gate(null)
    gate.link(keyOf(2), 2, null)
    gate.hear(keyOf(2), raft(heartbeat(2)))
    assert.deepEqual([gate.seen, gate.clusterId, gate.refusals('cluster')], [[], null, 1])
  })

  test('claimed: what a peer says of itself later counts from then on', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2, null)
    gate.hear(keyOf(2), raft(heartbeat(2)))
    gate.intake.claimed({ endpointId: keyOf(2), claims: { nodeId: 2, clusterId: 'c1', addresses: [], languageVersion: 1 } })
    gate.seen.length = 0
    gate.hear(keyOf(2), raft(heartbeat(2)))
    assert.deepEqual(gate.seen, ['heartbeat from 2'])
  })
})

describe('Intake: links', () => {
  test('opened and closed: are told with the id of the member', () => {
    const gate = new Gate()
    gate.intake.opened({ endpointId: keyOf(2), claims: { nodeId: 2, clusterId: 'c1', addresses: [], languageVersion: 1 } })
    gate.intake.closed(keyOf(2), 'lost')
    gate.intake.closed(keyOf(2), 'lost')
    assert.deepEqual(gate.seen, [`linked ${keyOf(2)}`, 'opened 2', 'retry', ...CLOSED, `ended ${keyOf(2)}`])
    gate.hear(keyOf(2), raft(heartbeat(2)))
    assert.equal(gate.refusals('stranger'), 1)
  })

  test('opened and closed: of a stranger with a member’s id say nothing about the member', () => {
    const gate = new Gate()
    const stranger = 'f'.repeat(64)
    gate.intake.opened({ endpointId: stranger, claims: { nodeId: 2, clusterId: 'c1', addresses: [], languageVersion: 1 } })
    gate.intake.closed(stranger, 'lost')
    gate.intake.refused(stranger)
    assert.deepEqual(gate.seen, [`linked ${stranger}`, `ended ${stranger}`])
  })

  test('refused: a member that was linked and is no more has crashed', () => {
    const gate = new Gate()
    gate.intake.refused(keyOf(2))
    assert.deepEqual(gate.seen, [], 'one that was never linked may not have started yet')
    gate.link(keyOf(2), 2)
    gate.intake.refused(keyOf(2))
    assert.deepEqual(gate.seen, [], 'it has a link')
    gate.intake.closed(keyOf(2), 'lost')
    gate.intake.refused(keyOf(2))
    assert.deepEqual(gate.seen, [...CLOSED, 'crashed 2'])
  })

  test('closed: one whose replica has ended, and says so, has crashed, whatever becomes of its link', () => {
    for (const end of ['lost', 'graceful', 'moved', 'detached'] as const) {
      const gate = new Gate()
      gate.link(keyOf(2), 2)
      gate.intake.closed(keyOf(2), end)
      assert.deepEqual(gate.seen, end === 'detached' ? [...CLOSED, 'crashed 2'] : CLOSED)
      const stranger = 'f'.repeat(64)
      gate.link(stranger, 2)
      gate.seen.length = 0
      gate.intake.closed(stranger, end)
      assert.deepEqual(gate.seen, [`ended ${stranger}`])
    }
  })

  test('refused: a key that its id is no longer bound to tells nothing', () => {
    const gate = new Gate()
    gate.link(keyOf(2), 2)
    gate.intake.closed(keyOf(2), 'lost')
    const membership = membershipOf([1, 2, 3])
    gate.directory.follow({
      ...membership,
      members: membership.members.map((one) => ({ ...one, endpointId: `${one.endpointId.slice(1)}e` })),
    })
    gate.seen.length = 0
    gate.intake.refused(keyOf(2))
    assert.deepEqual(gate.seen, [])
  })
})
