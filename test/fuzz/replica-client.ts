/** Somebody who asks one replica while a liar talks to it, and remembers what was acknowledged. */
import assert from 'node:assert/strict'
import { chance } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import type { Disk, LogStore } from '../../src/ports/index.ts'
import { openSegmentedLog } from '../../src/storage/index.ts'
import { decodeEnvelope } from '../../src/commands/index.ts'
import { envelope } from '../replica/world.ts'
import type { Node, World } from '../replica/world.ts'
import { LIARS_WORDS } from './peer-messages.ts'

const TIMEOUT_MS = 5_000

interface Acknowledged {
  readonly key: string
  readonly index: number
  /** Whether a leader has cut the node's log since: a liar that leads can put an entry of its own under the same term and index. */
  readonly cut: boolean
}

/** What is in the log, also when a liar has made the node believe that it lacks something. */
export function openLog(disk: Disk): LogStore {
  disk.remove('log-distrusted')
  return openSegmentedLog(disk, { storeId: 'ab'.repeat(16), segmentSize: 4096 })
}

export class ReplicaClient {
  readonly acknowledged: Acknowledged[] = []
  /** Writes that were refused in a liar's words: it was asked as the leader, and its answer was taken. */
  refusedByLiar = 0
  readonly #node: Node
  readonly #world: World
  #requests = 0
  #unanswered = 0

  constructor(world: World, node: Node) {
    this.#world = world
    this.#node = node
  }

  ask(random: Random): void {
    // Elsewhere a leader answers, and a lying one says what it likes.
    if (this.#node.replica.view.role === 'leader') this.#write()
    else if (chance(random, 0.5)) this.#writeElsewhere()
    else this.#node.replica.read(this.#deadline, this.#expectOne())
  }

  get #deadline(): number {
    return this.#world.clock.now() + TIMEOUT_MS
  }

  #write(): void {
    const { replica } = this.#node
    const key = `key ${++this.#requests}`
    const { truncations } = replica.view.counters
    const answered = this.#expectOne()
    replica.write(envelope(key), this.#deadline, (error, result) => {
      answered()
      if (error !== undefined) return
      const index = result?.logId.index ?? 0
      assert.ok(index > 0 && index <= replica.view.commitIndex, 'acknowledged before it was committed')
      assert.equal(replica.view.poisoned, null, 'acknowledged by a node that has stopped')
      this.acknowledged.push({ key, index, cut: replica.view.counters.truncations > truncations })
    })
  }

  #writeElsewhere(): void {
    const answered = this.#expectOne()
    this.#node.replica.write(envelope(`key ${++this.#requests}`), this.#deadline, (error) => {
      answered()
      if (error?.message === LIARS_WORDS) this.refusedByLiar++
    })
  }

  /** What a request calls back: once. */
  #expectOne(): () => void {
    let answers = 0
    this.#unanswered++
    return () => {
      assert.equal(++answers, 1, 'a request was answered twice')
      this.#unanswered--
    }
  }

  /** Nothing is left unanswered for longer than its deadline. */
  expectAnswers(): void {
    // A sweep comes late by some milliseconds.
    this.#world.clock.advance(TIMEOUT_MS + 100)
    assert.equal(this.#unanswered, 0, 'requests were never answered')
  }

  /** Every acknowledged write is in the log on the disk, at its place. */
  check(): void {
    const log = openLog(this.#node.logDisk)
    const { purged, entries } = log.recovered
    for (const { key, index, cut } of this.acknowledged) {
      if (index <= purged.index || cut) continue
      assert.ok(index <= purged.index + entries.length, `write ${index} was acknowledged and is not in the log`)
      log.read(index, index, 1, (error, [entry]) => {
        assert.equal(error, undefined)
        // All but the time that its leader has written into it.
        const found = decodeEnvelope(entry?.payload ?? new Uint8Array())
        const asked = { ...decodeEnvelope(envelope(key)), elapsedMs: found.elapsedMs }
        assert.deepEqual(found, asked, `write ${index} was acknowledged and is another now`)
      })
      this.#world.clock.settle()
    }
    assert.equal(new Set(this.acknowledged.map(({ index }) => index)).size, this.acknowledged.length, 'two writes have one place')
  }
}
