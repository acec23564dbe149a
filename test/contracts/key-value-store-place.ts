/** Where the contract of the key-value store finds its stores, and what it may expect of them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { Data, ErrorCode, KeyValue, KeyValueStore } from '../../src/api/index.ts'

export interface OpenedStore {
  readonly store: KeyValueStore
  /** The same store by the shortest way there is: what is written by one is read by the other. */
  readonly direct: KeyValueStore
  /** From now on nothing can be committed: a majority is gone, or the store is paused. */
  stall(): Promise<void>
  /** Ends a pause; where the majority is gone, there is no way back. */
  resume(): void
}

/** Opens stores, and closes all of them in the end. */
export interface StorePlace {
  /** A new and empty store, of a cluster unless `founded` is false. */
  open(options?: { readonly founded?: boolean }): Promise<OpenedStore>
  dispose(): Promise<void>
}

export interface StoreTraits {
  /** Whether a call that cannot be answered ends by its deadline. Where no time passes, it waits. */
  readonly deadlines: 'kept' | 'never pass'
}

/** What a test works on: a store that it shares with other tests, and a prefix of its own in it. */
export interface Plot {
  readonly store: KeyValueStore
  readonly direct: KeyValueStore
  /** In front of every key that the test uses, and of the ids of its clients. */
  readonly prefix: string
}

export type StoreTest = (name: string, run: (plot: Plot) => Promise<void>) => void

/** A part of the contract whose tests share one store: opening a node takes longer than most of them. */
export function describeStorePart(name: string, createPlace: () => StorePlace, register: (test: StoreTest) => void): void {
  describe(name, () => {
    let place: StorePlace
    let opened: OpenedStore
    let tests = 0
    before(async () => {
      place = createPlace()
      opened = await place.open()
    })
    after(() => place.dispose())
    register((title, run) => {
      test(title, async () => {
        const prefix = `${++tests}/`
        await run({ store: opened.store, direct: opened.direct, prefix })
      })
    })
  })
}

export const MIB: number = 1024 * 1024
export const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values)
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The bytes of a prefix, and then these. */
export const under = (prefix: string, ...values: number[]): Uint8Array => Uint8Array.from([...utf8(prefix), ...values])

export async function refuses(code: ErrorCode, call: Promise<unknown>, what = ''): Promise<AspenError> {
  const error = await call.then(
    () => assert.fail(`it succeeded; ${code} was expected ${what}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof AspenError, `${String(error)} is no AspenError ${what}`)
  assert.equal(error.code, code, `${error.message} ${what}`)
  return error
}

/** An entry for comparisons: Buffers and Uint8Arrays of the same bytes are alike. */
export function plainEntry(entry: KeyValue | null | undefined): unknown {
  if (entry === null || entry === undefined) return null
  return { ...entry, key: Buffer.from(entry.key).toString('hex'), value: Buffer.from(entry.value).toString('hex') }
}

/** The value as text, or undefined when there is no such key. */
export async function textAt(store: KeyValueStore, key: Data): Promise<string | undefined> {
  const entry = await store.read(key)
  return entry && new TextDecoder().decode(entry.value)
}

/** Revisions and version; null when there is no such key. */
export async function revisionsAt(store: KeyValueStore, key: Data): Promise<readonly number[] | null> {
  const entry = await store.read(key)
  return entry === undefined ? null : [entry.createRevision, entry.modRevision, entry.version]
}

/** Writes text, and answers its revision. */
export async function put(store: KeyValueStore, key: Data, value: Data): Promise<number> {
  return (await store.write({ Set: { key, value } }, { revision: true })).revision ?? assert.fail('it has no revision')
}
