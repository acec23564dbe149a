/**
 * A node of three whose disk fails at its n-th operation, for every n of a short life that founds a cluster, fills
 * segments, takes snapshots and purges. From the fault on it says nothing; the others go on; it comes back whole.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk } from '../../src/ports/index.ts'
import { World } from '../replica/world.ts'
import type { Node } from '../replica/world.ts'
import { faultyDisk } from './disk-faults.ts'
import type { Operation } from './disk-faults.ts'

const WRITES = 36
const SNAPSHOT_AT = 18
/** More operations than the life of any node here has. */
const MAX_OPERATIONS = 400

interface Outcome {
  /** False when the life was over before the n-th operation came. */
  readonly failed: boolean
  readonly operation: string
}

/** A world in which one node's disks fail from some operation on. */
class Sweep extends World {
  readonly acknowledged: string[] = []
  /** What failed first, or empty. */
  operation = ''
  readonly #victimId: number
  readonly #error: (operation: Operation, name: string) => Error | undefined
  #operations = 0
  /** Counting has begun. */
  armed = false
  nodes: Node[] = []

  constructor(victimId: number, failing: number, code: string) {
    super()
    this.#victimId = victimId
    this.#error = (operation, name) => {
      if (!this.armed || ++this.#operations < failing) return undefined
      if (this.operation === '') this.operation = `${operation} ${name}`
      return Object.assign(new Error(`${code}: at ${operation} of ${name}`), { code })
    }
  }

  override node(id: number): Node {
    const node = super.node(id)
    const faults = { fail: this.#error, defer: (run: () => void) => this.clock.defer(run) }
    if (id === this.#victimId) node.disk = (disk: Disk) => faultyDisk(disk, faults)
    return node
  }

  get victim(): Node {
    return this.nodes[this.#victimId - 1] as Node
  }

  get fault(): Error | null {
    return this.victim.replica.view.poisoned
  }

  /** Writes through a node whose disk is sound, and notes what was acknowledged. */
  write(key: string): void {
    const asked = this.nodes.find((node) => node !== this.victim) as Node
    const outcomes: string[] = []
    asked.write(key, outcomes, this.clock.now() + 1000)
    this.clock.until(() => outcomes.length > 0, `an answer to ${key}`)
    if (outcomes[0] === 'ok') this.acknowledged.push(key)
  }

  connectAll(): void {
    for (const node of this.nodes) for (const other of this.nodes) node.connect(other)
  }
}

/** Counts what the victim hands to its links after the fault. */
function watchSilence({ victim }: Sweep): () => number {
  let spoken = 0
  victim.transport.onSent = () => {
    if (victim.replica.view.poisoned !== null) spoken++
  }
  return () => spoken
}

function run(victimId: number, failing: number, code: string): Outcome {
  const sweep = new Sweep(victimId, failing, code)
  sweep.nodes = sweep.cluster([1, 2, 3])
  sweep.armed = true
  const { victim } = sweep
  const spoken = watchSilence(sweep)
  for (let i = 0; i < WRITES; i++) {
    sweep.write(`key-${i}`)
    if (i === SNAPSHOT_AT) victim.replica.takeSnapshot(() => undefined)
  }
  sweep.clock.advance(500)
  const { fault } = sweep
  if (fault !== null) {
    assert.match(fault.message, new RegExp(code))
    assert.equal(victim.fatal.length, 1, 'the program must hear of it once')
    assert.equal(spoken(), 0, `${spoken()} messages left after ${sweep.operation} had failed`)
  }
  assert.ok(
    sweep.acknowledged.length >= WRITES - 2,
    `the cluster did not go on: ${sweep.acknowledged.length} of ${WRITES} writes`,
  )
  comeBack(sweep)
  return { failed: sweep.operation !== '', operation: sweep.operation }
}

/** The disk is sound again: the node starts, follows, and has everything. */
function comeBack(sweep: Sweep): void {
  const { victim, nodes, acknowledged } = sweep
  victim.crash()
  victim.disk = (disk) => disk
  victim.start()
  sweep.connectAll()
  sweep.write('afterwards')
  assert.equal(acknowledged.at(-1), 'afterwards', 'the cluster does not go on')
  const goal = Math.max(...nodes.map(({ replica }) => replica.view.commitIndex))
  sweep.clock.until(() => nodes.every(({ replica }) => replica.view.appliedIndex >= goal), 'all have caught up')
  for (const node of nodes) {
    for (const key of acknowledged) assert.equal(node.localValue(key), key, `${key} was acknowledged; node ${node.id}`)
  }
}

for (const [who, victimId] of [
  ['leader', 1],
  ['follower', 3],
] as const) {
  for (const code of ['ENOSPC', 'EIO']) {
    test(`the disk of the ${who} fails with ${code} at its n-th operation, for every n: nothing is said after it, nothing is lost`, () => {
      const seen = new Set<string>()
      let n = 1
      for (; n < MAX_OPERATIONS; n++) {
        const { failed, operation } = run(victimId, n, code)
        if (!failed) break
        seen.add(operation.split(' ')[0] as string)
      }
      assert.ok(n < MAX_OPERATIONS, 'the life does not end')
      console.log(`${n - 1} operations, each failed once: ${[...seen].join(', ')}`)
      for (const kind of ['open', 'write', 'writeDurably', 'sync', 'rename', 'remove', 'syncDirectory']) {
        assert.ok(seen.has(kind), `no ${kind} was among them`)
      }
    })
  }
}
