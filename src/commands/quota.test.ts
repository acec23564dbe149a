import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyValue } from '../api/index.ts'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE, MAX_SYSTEM_ENTRIES } from '../limits.ts'
import type { Command, Measured, Operation, RowHead } from './index.ts'
import { Quota } from './quota.ts'

const PRESENT = Uint8Array.of(1)
const ABSENT = Uint8Array.of(2)
const PRESENT_SIZE = 100
/** A new key of one byte, its value of 100, and what stands around it. */
const NEW_BYTES = 1 + 100 + 64

const set = (key: Uint8Array, size = 100): Operation & { type: 'set' } => ({ type: 'set', key, value: new Uint8Array(size) })
const batch = (...operations: (Operation & { type: 'set' | 'delete' })[]): Command => ({ type: 'batch', operations })
const txn = (command: Omit<Command & { type: 'txn' }, 'type' | 'compare'>): Command => ({ type: 'txn', compare: [], ...command })
const SET = batch(set(ABSENT))

/** A quota over a state that holds one key with a value of 100 bytes, and says it holds this much. */
class Bench {
  keys: number
  /** As a snapshot counts: with 64 bytes for each key. */
  size: number
  applied = 0
  systemRows = 0
  systemBytes = 0
  readonly quota: Quota

  constructor(keys: number, size: number) {
    this.keys = keys
    this.size = size
    this.quota = new Quota({ info: () => this.#info(), get: (key) => this.#get(key), head: (key) => this.#head(key) })
  }

  refuses(command: Command, code: string, message = /./): void {
    assert.throws(() => this.quota.check(command), { name: 'AspenError', code, message })
  }

  #info(): ReturnType<Measured['info']> {
    const applied = { index: this.applied }
    return {
      applied,
      keys: this.keys,
      bytes: this.size - 64 * this.keys,
      systemRows: this.systemRows,
      systemBytes: this.systemBytes,
    }
  }

  #head(key: Uint8Array): RowHead | undefined {
    if (key[0] !== PRESENT[0]) return undefined
    return { size: PRESENT_SIZE, createRevision: 1, modRevision: 1, version: 1 }
  }

  #get(key: Uint8Array): KeyValue | undefined {
    if (key[0] !== PRESENT[0]) return undefined
    return { key, value: new Uint8Array(PRESENT_SIZE), createRevision: 1, modRevision: 1, version: 1 }
  }
}

describe('Quota', () => {
  test('check: lets a write pass that still fits, and refuses the one that does not, by keys', () => {
    const size = 64 * MAX_SNAPSHOT_ENTRIES
    new Bench(MAX_SNAPSHOT_ENTRIES - 1, size).quota.check(SET)
    new Bench(MAX_SNAPSHOT_ENTRIES, size).refuses(
      SET,
      'QUOTA_EXCEEDED',
      /^the store holds 1000000 keys, and this write would add 1: at most 1000000 are allowed, .* Delete keys, and writes pass again; reads, deletes, and values no larger than those they replace pass now$/,
    )
    new Bench(MAX_SNAPSHOT_ENTRIES - 1, size).refuses(batch(set(ABSENT), set(Uint8Array.of(3))), 'QUOTA_EXCEEDED')
  })

  test('check: lets a write pass that still fits, and refuses the one that does not, by bytes', () => {
    new Bench(10, MAX_SNAPSHOT_SIZE - NEW_BYTES).quota.check(SET)
    new Bench(10, MAX_SNAPSHOT_SIZE - NEW_BYTES + 1).refuses(
      SET,
      'QUOTA_EXCEEDED',
      /^the store holds 104857436 bytes \(104856796 of keys and values, 64 more for each of 10 keys\), and this write would add 165: at most 104857600 are allowed, .* Delete keys/,
    )
  })

  test('check: rows of the system take the place of no key; their bytes are bytes of the snapshot', () => {
    const keys = new Bench(MAX_SNAPSHOT_ENTRIES - 1, 64 * MAX_SNAPSHOT_ENTRIES)
    keys.systemRows = MAX_SYSTEM_ENTRIES
    keys.quota.check(SET)
    const full = new Bench(MAX_SNAPSHOT_ENTRIES, 64 * MAX_SNAPSHOT_ENTRIES)
    full.systemRows = 1
    full.refuses(SET, 'QUOTA_EXCEEDED', /^the store holds 1000000 keys, and this write would add 1: /)
    const bytes = new Bench(10, MAX_SNAPSHOT_SIZE - NEW_BYTES - 64 - 30)
    bytes.systemRows = 1
    bytes.systemBytes = 30
    bytes.quota.check(SET)
    bytes.systemBytes = 31
    bytes.refuses(SET, 'QUOTA_EXCEEDED', /64 more for each of 10 keys and 1 row of the system/)
  })

  test('check: a store that is full, or over-full, takes values that are not larger than what they replace', () => {
    const full = new Bench(MAX_SNAPSHOT_ENTRIES + 5, MAX_SNAPSHOT_SIZE + 5)
    full.quota.check(batch(set(PRESENT, PRESENT_SIZE)))
    full.quota.check(batch(set(PRESENT, 0)))
    full.quota.check(txn({ then: [set(PRESENT, 1)], else: [{ type: 'get', key: ABSENT }] }))
    full.refuses(batch(set(PRESENT, PRESENT_SIZE + 1)), 'QUOTA_EXCEEDED')
    full.refuses(batch(set(PRESENT), set(ABSENT)), 'QUOTA_EXCEEDED')
  })

  test('check: lets deletes and transactions that only read pass when everything is full', () => {
    const full = new Bench(MAX_SNAPSHOT_ENTRIES + 5, MAX_SNAPSHOT_SIZE + 5)
    full.quota.check(batch({ type: 'delete', key: ABSENT }))
    full.quota.check(txn({ then: [{ type: 'get', key: ABSENT }], else: [{ type: 'delete', key: ABSENT }] }))
  })

  test('check: counts the sets of both branches of a transaction', () => {
    const full = new Bench(MAX_SNAPSHOT_ENTRIES, 64 * MAX_SNAPSHOT_ENTRIES)
    const get: Operation = { type: 'get', key: ABSENT }
    full.refuses(txn({ then: [set(ABSENT)], else: [get] }), 'QUOTA_EXCEEDED')
    full.refuses(txn({ then: [get], else: [set(ABSENT)] }), 'QUOTA_EXCEEDED')
  })

  test('check: a delete in the same command makes no room: another may have been there first', () => {
    new Bench(MAX_SNAPSHOT_ENTRIES, 64 * MAX_SNAPSHOT_ENTRIES).refuses(
      batch({ type: 'delete', key: PRESENT }, set(ABSENT)),
      'QUOTA_EXCEEDED',
    )
  })

  test('check: counts every key that is under way, and says that it is those that leave no room', () => {
    const bench = new Bench(MAX_SNAPSHOT_ENTRIES - 150, 64 * MAX_SNAPSHOT_ENTRIES)
    const hundred = batch(...Array.from({ length: 100 }, (_, i) => set(Uint8Array.of(2, i), 1)))
    bench.quota.proposed(1, bench.quota.check(hundred))
    bench.refuses(hundred, 'OVERLOADED', /writes that are under way may fill the store/)
    bench.quota.proposed(2, bench.quota.check(SET))
    bench.applied = 1
    bench.quota.proposed(3, bench.quota.check(hundred))
  })

  test('check: counts the bytes that are under way', () => {
    const bench = new Bench(10, MAX_SNAPSHOT_SIZE - 2 * NEW_BYTES)
    bench.quota.proposed(1, bench.quota.check(SET))
    bench.quota.proposed(2, bench.quota.check(SET))
    bench.refuses(SET, 'OVERLOADED')
    bench.applied = 2
    bench.quota.check(SET)
  })

  test('check: a value that replaces one of its size counts while it is under way: the old one may be deleted before', () => {
    const bench = new Bench(10, MAX_SNAPSHOT_SIZE - NEW_BYTES)
    bench.quota.proposed(1, bench.quota.check(batch(set(PRESENT))))
    bench.refuses(SET, 'OVERLOADED')
  })

  test('proposed: what another leader has overwritten does not count any more', () => {
    const bench = new Bench(10, MAX_SNAPSHOT_SIZE - 2 * NEW_BYTES)
    bench.quota.proposed(5, bench.quota.check(SET))
    bench.quota.proposed(6, bench.quota.check(batch({ type: 'delete', key: PRESENT })))
    bench.quota.proposed(5, bench.quota.check(batch({ type: 'delete', key: PRESENT })))
    bench.quota.proposed(7, bench.quota.check(SET))
  })
})
