import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SNAPSHOT_CHUNK_SIZE } from '../../src/limits.ts'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import { RAFT_CHANNEL } from '../../src/ports/index.ts'
import { decodePeerMessage } from '../../src/wire/index.ts'
import { encodeEnvelope } from '../../src/commands/index.ts'
import type { SnapshotChunk } from '../../src/wire/index.ts'
import { endpointOf, World } from '../replica/world.ts'
import type { Node } from '../replica/world.ts'

const VALUE_SIZE = 64 * 1024
/** Chunks that may be on their way when a link is lost; none but these may be sent again. */
const WINDOW_CHUNKS = 4
const WRITES = 100
const LIMIT_MS = 30_000

function largeWrite(i: number): Uint8Array {
  const key = new TextEncoder().encode(`key-${i}`)
  const value = new Uint8Array(VALUE_SIZE).fill(i)
  return encodeEnvelope({ origin: null, command: { type: 'batch', operations: [{ type: 'set', key, value }] } })
}

/** A cluster of three whose third node was cut off until the others had purged what it lacks. */
class Transfer {
  readonly world = new World()
  readonly nodes: readonly Node[]
  readonly receiver: Node
  /** Every chunk with content that a node has sent, in order. */
  readonly sent: SnapshotChunk[] = []
  /** The link is lost when so many have left, with those that are on their way. */
  readonly loseLinkAfter = new Set<number>()

  constructor() {
    this.nodes = this.world.cluster([1, 2, 3])
    this.receiver = this.node(3)
    for (const other of [1, 2]) this.world.network.cut(endpointOf(3), endpointOf(other))
    // The log waits a while for one that has just been there.
    this.world.clock.advance(1000)
    for (let first = 0; first < WRITES; first += 10) this.write(this.node(1), first, 10)
    this.world.clock.until(() => this.node(1).replica.view.purgedIndex > 20, 'the log to be purged', LIMIT_MS)
    for (const id of [1, 2]) this.#listen(this.node(id))
  }

  node(id: number): Node {
    return this.nodes[id - 1] as Node
  }

  write(leader: Node, first: number, count: number): void {
    const outcomes: unknown[] = []
    for (let i = first; i < first + count; i++) {
      leader.replica.write(largeWrite(i), this.world.clock.now() + 5000, (error) => outcomes.push(error))
    }
    this.world.clock.until(() => outcomes.length === count, 'the writes', LIMIT_MS)
    assert.deepEqual(
      outcomes.filter((error) => error !== undefined),
      [],
    )
  }

  heal(): void {
    for (const other of [1, 2]) {
      this.world.network.heal(endpointOf(3), endpointOf(other))
      this.receiver.connect(this.node(other))
    }
  }

  /** Time passes until so many chunks have left in all. */
  untilSent(chunks: number): void {
    this.world.clock.until(() => this.sent.length >= chunks, `${chunks} chunks to be sent`, LIMIT_MS)
  }

  untilInstalled(from: Node): void {
    const { clock } = this.world
    const done = (): boolean => this.receiver.replica.view.appliedIndex === from.replica.view.commitIndex
    clock.until(done, 'the receiver to have it all', LIMIT_MS)
    assert.deepEqual(
      this.nodes.flatMap(({ fatal }) => fatal),
      [],
    )
  }

  /** Nodes whose snapshots of now have the same name have the same state: the name holds the digest. */
  assertSameState(...nodes: readonly Node[]): void {
    const taken: StoredSnapshot[] = []
    for (const node of nodes) {
      node.replica.takeSnapshot((error, snapshot) => {
        assert.equal(error, undefined)
        taken.push(snapshot as StoredSnapshot)
      })
    }
    this.world.clock.until(() => taken.length === nodes.length, 'the snapshots', LIMIT_MS)
    assert.equal(new Set(taken.map(({ id }) => id)).size, 1, 'the nodes have the same state')
  }

  #listen({ transport }: Node): void {
    transport.onSent = (to, parts, kind) => {
      if (kind.id !== RAFT_CHANNEL.id) return
      const message = decodePeerMessage(Buffer.concat(parts))
      if (message.type !== 'snapshot-chunk' || message.bytes.length === 0) return
      this.sent.push(message)
      if (this.loseLinkAfter.delete(this.sent.length)) this.world.network.lose(to, transport.endpointId)
    }
  }
}

function bytesOf(chunks: readonly SnapshotChunk[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

function partialsOf({ snapshotDisk }: Node): string[] {
  return snapshotDisk.list().filter((name) => name.endsWith('.partial'))
}

describe('a snapshot on its way to a node that was away', () => {
  test('the link breaks three times: it goes on from where it was, and only what was under way is sent again', () => {
    const transfer = new Transfer()
    for (const chunks of [4, 8, 12]) transfer.loseLinkAfter.add(chunks)
    transfer.heal()
    transfer.untilInstalled(transfer.node(1))
    const [{ snapshot }] = transfer.sent as [SnapshotChunk]
    assert.ok(snapshot.sizeBytes > 14 * SNAPSHOT_CHUNK_SIZE, 'the snapshot has chunks enough to be cut three times')
    assert.deepEqual([...new Set(transfer.sent.map((chunk) => chunk.snapshot.id))], [snapshot.id])
    const twice = bytesOf(transfer.sent) - snapshot.sizeBytes
    console.log(`${transfer.sent.length} chunks sent, ${twice / SNAPSHOT_CHUNK_SIZE} of them again, over 3 broken links`)
    assert.ok(twice > 0 && twice <= 3 * WINDOW_CHUNKS * SNAPSHOT_CHUNK_SIZE, `${twice} bytes were sent again`)
    const after = transfer.sent.slice(4).map(({ position }) => position)
    assert.ok(
      after.every((position) => position > 0),
      'never again from the first byte',
    )
    assert.deepEqual(partialsOf(transfer.receiver), [])
    transfer.assertSameState(...transfer.nodes)
  })

  test('the sender dies: the next leader sends its own snapshot from the first byte, not into what the old one had sent', () => {
    const transfer = new Transfer()
    transfer.heal()
    transfer.untilSent(6)
    const [{ snapshot: old }] = transfer.sent as [SnapshotChunk]
    assert.equal(partialsOf(transfer.receiver).length, 1)
    transfer.node(1).crash()
    transfer.sent.length = 0
    const { clock } = transfer.world
    clock.until(() => transfer.node(2).replica.view.role === 'leader', 'the second node to lead', LIMIT_MS)
    transfer.write(transfer.node(2), 100, 1)
    transfer.untilInstalled(transfer.node(2))
    const [first] = transfer.sent as [SnapshotChunk]
    assert.notEqual(first.snapshot.id, old.id, 'it is another snapshot')
    assert.equal(first.position, 0)
    assert.equal(bytesOf(transfer.sent), first.snapshot.sizeBytes, 'no chunk of it was sent twice, and none left out')
    assert.deepEqual(partialsOf(transfer.receiver), [], 'nothing is left of the old one')
    transfer.assertSameState(transfer.node(2), transfer.receiver)
  })

  test('the receiver dies in the middle: it comes up with its old state, and takes in the rest', () => {
    const transfer = new Transfer()
    transfer.heal()
    transfer.untilSent(8)
    const before = transfer.receiver.replica.view
    transfer.receiver.crash()
    const held = transfer.receiver.snapshotDisk.list()
    assert.equal(partialsOf(transfer.receiver).length, 1, `a part of it is there: ${held.join(', ')}`)
    transfer.receiver.start()
    const { appliedIndex, lastLog } = transfer.receiver.replica.view
    assert.ok(appliedIndex <= before.appliedIndex, 'half a snapshot is no state')
    assert.deepEqual(lastLog, before.lastLog, 'nothing of the log is gone')
    transfer.untilInstalled(transfer.node(1))
    const [{ snapshot }] = transfer.sent as [SnapshotChunk]
    const twice = bytesOf(transfer.sent) - snapshot.sizeBytes
    console.log(`${twice / SNAPSHOT_CHUNK_SIZE} of ${transfer.sent.length} chunks were sent again after the receiver's death`)
    assert.ok(twice <= WINDOW_CHUNKS * SNAPSHOT_CHUNK_SIZE, `${twice} bytes were sent again`)
    const leftovers = transfer.receiver.snapshotDisk.list().filter((name) => !name.endsWith('.snapshot'))
    assert.deepEqual(leftovers, [])
    transfer.assertSameState(...transfer.nodes)
  })

  test('the receiver dies as soon as the last byte has left, at every moment of the installation', () => {
    for (let steps = 0; steps < 6; steps++) {
      const transfer = new Transfer()
      transfer.heal()
      const { clock } = transfer.world
      clock.until(
        () => transfer.sent.length > 0 && bytesOf(transfer.sent) >= (transfer.sent[0] as SnapshotChunk).snapshot.sizeBytes,
        'the last chunk',
        LIMIT_MS,
      )
      clock.advance(steps)
      transfer.receiver.crash()
      transfer.receiver.start()
      transfer.untilInstalled(transfer.node(1))
      assert.deepEqual(partialsOf(transfer.receiver), [])
      transfer.assertSameState(...transfer.nodes)
    }
  })
})
