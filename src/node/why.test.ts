/** What a scenario cannot bring about in little time; the rest is in test/node/why.test.ts. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../limits.ts'
import type { ReplicaView } from '../replica/index.ts'
import { explain } from './why.ts'
import type { WhyFacts } from './why.ts'

const member = (id: number): { readonly id: number; readonly endpointId: string; readonly addresses: readonly string[] } => ({
  id,
  endpointId: `key-${id}`,
  addresses: [],
})

const VIEW = {
  role: 'leader',
  term: 4,
  leader: 1,
  membership: { voters: [1], outgoing: [], learners: [], members: [member(1)] },
  lastLog: { term: 4, index: 90 },
  persistedIndex: 90,
  commitIndex: 90,
  commitMovedAt: 0,
  knownCommitIndex: 90,
  appliedIndex: 90,
  proposals: 0,
  heardVotes: new Map(),
  handsOver: false,
  writingSince: null,
  disk: null,
  poisoned: null,
} as unknown as ReplicaView

function sentences(view: Partial<ReplicaView> = {}, changes: Partial<WhyFacts> = {}): readonly string[] {
  return explain({
    nodeId: 1,
    endpointId: 'key-1',
    now: 10_000,
    view: { ...VIEW, ...view },
    state: { keys: 1, bytes: 10 },
    members: [],
    peers: [],
    progress: () => undefined,
    actor: null,
    removed: null,
    lostDisk: null,
    ...changes,
  }).sentences
}

describe('explain', () => {
  test('explain: nothing is in the way of a cluster of one', () => {
    assert.deepEqual(sentences(), ['Nothing is in the way: this node leads term 4, and a majority of the voters answers it.'])
  })

  test('explain: a disk that takes its time, from a quarter of a second on', () => {
    assert.deepEqual(sentences({ writingSince: 8_500, persistedIndex: 89, commitIndex: 89 }), [
      'Entry 90 waits for a majority: this node has up to 89 on its disk.',
      'The disk of this node has been at one write of the log for 1.5 s.',
    ])
    assert.match(sentences({ writingSince: 9_751 })[0] ?? '', /^Nothing/)
    // Entries are always under way where there is load.
    assert.match(sentences({ commitIndex: 80, commitMovedAt: 9_751 })[0] ?? '', /^Nothing/)
  })

  test('explain: a volume that is nearly full, and a store that is', () => {
    const disk = { directory: '/d', freeBytes: 1, totalBytes: 9, usedPercent: 97.5, isLow: true, refusedWrites: 3 }
    assert.deepEqual(sentences({ disk }), [
      'The volume of /d is 97.5 % full: while this node leads, writes that grow the store are refused (DISK_FULL).',
    ])
    assert.match(sentences({ disk: { ...disk, isLow: false } })[0] ?? '', /^Nothing/)
    for (const state of [
      { keys: MAX_SNAPSHOT_ENTRIES, bytes: 1 },
      { keys: 1, bytes: MAX_SNAPSHOT_SIZE },
    ])
      assert.match(sentences({}, { state })[0] ?? '', /^The store has \d+ of \d+ keys and \d+ of \d+ bytes: .*QUOTA_EXCEEDED/)
  })

  test('explain: leadership that is handed over, and a state that is behind', () => {
    assert.match(sentences({ handsOver: true })[0] ?? '', /^This node is handing leadership over, or is being removed/)
    assert.deepEqual(sentences({ knownCommitIndex: 2_000 }), [
      'This node is 1910 entries behind: a read here waits until it has applied them.',
    ])
  })

  test('explain: a leader that this node does not hear, and has not given up yet', () => {
    const detail = 'nothing listens where it was: its process has ended, or it has moved (ECONNREFUSED: no)'
    const gone = { nodeId: 2, endpointId: 'key-2', condition: 'crashed', detail, forMs: 500, needsAttention: false } as const
    const well = { ...gone, nodeId: 3, condition: 'well' } as const
    const membership = { voters: [1, 2, 3], outgoing: [], learners: [], members: [member(1), member(2), member(3)] }
    const view = { role: 'follower', leader: 2, membership } as const
    const known = [
      'Node 2 leads term 4, and does not answer this node.',
      `Node 2 is not running since 0.5 s: ${detail}.`,
    ] as const
    assert.deepEqual(sentences(view, { members: [gone, well] }), known)
    const waiting = sentences({ ...view, proposals: 3 }, { members: [gone, well] })
    assert.deepEqual(waiting, [known[0], 'Requests that are for it are not answered: 3.', known[1]])
    assert.match(sentences({ ...view, proposals: 3 }, { members: [{ ...gone, condition: 'well' }, well] })[0] ?? '', /^Nothing/)
  })

  test('explain: a voter that hears a leader does not answer one that does not hear it', () => {
    const well = { nodeId: 3, endpointId: 'key-3', condition: 'well', detail: '', forMs: 0, needsAttention: false } as const
    const gone = { ...well, nodeId: 2, endpointId: 'key-2', condition: 'unreachable', detail: 'no answer', forMs: 9_000 } as const
    const membership = { voters: [1, 2, 3], outgoing: [], learners: [], members: [member(1), member(2), member(3)] }
    const view = { role: 'pre-candidate', leader: null, membership } as const
    const words = (more: object): string => sentences({ ...view, ...more }, { members: [gone, well] }).join(' ')
    assert.match(
      words({}),
      /Node 3 has not answered this node's request for its vote: it hears a leader that this node does not hear\./,
    )
    assert.doesNotMatch(words({}), /Node 2 has not answered/)
    assert.doesNotMatch(words({ role: 'follower' }), /has not answered/)
    const heardVotes = new Map([[3, { granted: true, preVote: true, term: 5, at: 0 }]])
    assert.doesNotMatch(words({ heardVotes }), /has not answered/)
  })

  test('explain: a learner waits for those that vote', () => {
    const membership = { voters: [2], outgoing: [], learners: [1], members: [member(1), member(2)] }
    const view = { role: 'follower', leader: null, membership } as const
    const cause = 'it is there, and there is no link: COOKIE_MISMATCH: the cookies differ'
    const other = {
      nodeId: 2,
      endpointId: 'key-2',
      condition: 'refused',
      detail: cause,
      forMs: 1_500,
      needsAttention: false,
    } as const
    assert.deepEqual(sentences(view, { members: [other] }), [
      'This node is alone: it hears no other member.',
      'No leader is known in term 4.',
      'An election takes 1 of the voters 2. Those that this node hears, itself included: none.',
      'This node has no vote, and waits for those that have.',
      `Node 2 is not linked since 1.5 s: ${cause}.`,
    ])
  })

  test('explain: a newcomer that knows nobody, and one that has lost its disk', () => {
    const membership = { voters: [], outgoing: [], learners: [], members: [] }
    assert.match(sentences({ membership }).join(' '), /belongs to no cluster yet.*It knows of no other node/)
    assert.deepEqual(sentences({ membership }, { lostDisk: 'node 2 says so' }), ['node 2 says so.'])
  })
})
