/** Prefixes, ranges, pages and tokens. */
import assert from 'node:assert/strict'
import { compareBytes } from '../../src/lib/index.ts'
import type { KeyValue, KeyValueStore, ScanRequest } from '../../src/api/index.ts'
import { bytesOf, MIB, plainEntry, put, refuses, under, utf8 } from './key-value-store-place.ts'
import type { StoreTest } from './key-value-store-place.ts'

/** What the keys are called behind the prefix of the test. */
function namesOf(entries: readonly KeyValue[], prefix: string): string[] {
  return entries.map(({ key }) => new TextDecoder().decode(key).slice(prefix.length))
}

async function namesIn(store: KeyValueStore, prefix: string, request: ScanRequest): Promise<string[]> {
  return namesOf((await store.scan(request)).entries, prefix)
}

/** Follows the tokens to the end. */
async function pagesOf(store: KeyValueStore, request: ScanRequest): Promise<(readonly KeyValue[])[]> {
  const pages: (readonly KeyValue[])[] = []
  let token: string | null = null
  do {
    const page: Awaited<ReturnType<KeyValueStore['scan']>> = await store.scan(token === null ? request : { ...request, token })
    pages.push(page.entries)
    token = page.token
  } while (token !== null)
  return pages
}

async function setAll(store: KeyValueStore, prefix: string, names: readonly string[]): Promise<void> {
  await store.write({ SetMulti: { pairs: names.map((name) => [`${prefix}${name}`, name] as const) } })
}

export function scanContract(test: StoreTest): void {
  rangeContract(test)
  pageContract(test)
  tokenContract(test)
  requestContract(test)
}

function rangeContract(test: StoreTest): void {
  test('order: keys come by their bytes, shorter ones first', async ({ store, prefix }) => {
    // By UTF-16 code units the last two would change places.
    const ordered = ['', '\u0000', 'A', 'a', 'a\u0000', 'aa', 'b', '\u007f', 'é', '\uff5e', '😀']
    const [first = '', ...rest] = ordered
    await setAll(store, prefix, [...rest.toReversed(), first])
    assert.deepEqual(await namesIn(store, prefix, { prefix }), ordered)
  })

  test('prefix: finds its keys and no others', async ({ store, prefix }) => {
    await setAll(store, prefix, ['a', 'a/', 'a/1', 'a/2', 'a0', 'b/1'])
    assert.deepEqual(await namesIn(store, prefix, { prefix: `${prefix}a/` }), ['a/', 'a/1', 'a/2'])
    assert.deepEqual(await namesIn(store, prefix, { prefix: utf8(`${prefix}a`) }), ['a', 'a/', 'a/1', 'a/2', 'a0'])
    assert.deepEqual(await store.scan({ prefix: `${prefix}none` }), { entries: [], token: null })
  })

  test('prefix: of the largest bytes reaches to the end of the key space', async ({ store, prefix }) => {
    const keys = [bytesOf(0xff, 0xff, ...utf8(prefix)), bytesOf(0xff, 0xff, ...utf8(prefix), 0xff)]
    for (const key of keys) await put(store, key, '')
    const found = (await pagesOf(store, { prefix: bytesOf(0xff, 0xff) })).flat().map(({ key }) => [...key])
    for (const key of keys) assert.ok(found.some((one) => String(one) === String([...key])))
    assert.deepEqual((await store.scan({ prefix: under(prefix, 0xff) })).entries, [])
  })

  test('range: from start, inclusive, to end, exclusive', async ({ store, prefix }) => {
    await setAll(store, prefix, ['a', 'b', 'b\u0000', 'c'])
    const range = (start: string, end: string): ScanRequest => ({ start: `${prefix}${start}`, end: `${prefix}${end}` })
    assert.deepEqual(await namesIn(store, prefix, range('a', 'b')), ['a'])
    assert.deepEqual(await namesIn(store, prefix, range('a', 'b\u0000')), ['a', 'b'])
    assert.deepEqual(await namesIn(store, prefix, range('aa', 'z')), ['b', 'b\u0000', 'c'])
    for (const [start, end] of [
      ['b', 'b'],
      ['c', 'a'],
      ['d', 'e'],
    ] as const) {
      // prettier-ignore
      assert.deepEqual(await store.scan(range(start, end)), { entries: [], token: null }, `${start} to ${end}`)
    }
  })

  test('range: without a bound reaches to the end of the key space on that side', async ({ store, prefix }) => {
    await setAll(store, prefix, ['a', 'b'])
    const within = async (request: ScanRequest): Promise<string[]> => {
      const all = (await pagesOf(store, request)).flat()
      for (const [i, { key }] of all.entries()) assert.ok(i === 0 || compareBytes((all[i - 1] as KeyValue).key, key) < 0)
      return namesOf(all.filter(({ key }) => Buffer.from(key).toString().startsWith(prefix)), prefix) // prettier-ignore
    }
    for (const whole of [{}, { prefix: '' }, { prefix: bytesOf() }, { start: '' }]) {
      assert.deepEqual(await within(whole), ['a', 'b'], JSON.stringify(whole))
    }
    assert.deepEqual(await within({ start: `${prefix}b` }), ['b'])
    assert.deepEqual(await within({ end: `${prefix}b` }), ['a'])
  })

  test('entries: are those that a read finds, deleted keys are not among them', async ({ store, prefix }) => {
    await setAll(store, prefix, ['a', 'b', 'c'])
    await put(store, `${prefix}c`, bytesOf(0xff))
    await store.write({ Delete: { key: `${prefix}b` } })
    const { entries } = await store.scan({ prefix })
    const read = [await store.read(`${prefix}a`), await store.read(`${prefix}c`)]
    assert.deepEqual(entries.map(plainEntry), read.map(plainEntry))
  })
}

function pageContract(test: StoreTest): void {
  test('limit: pages hold so many keys and together every key once', async ({ store, prefix }) => {
    const names = Array.from({ length: 12 }, (_, i) => String.fromCharCode(0x61 + i))
    await setAll(store, prefix, names)
    for (const [limit, sizes] of [
      [1, Array.from({ length: 12 }, () => 1)],
      [5, [5, 5, 2]],
      [6, [6, 6]],
      [12, [12]],
      [1000, [12]],
    ] as const) {
      // prettier-ignore
      const pages = await pagesOf(store, { prefix, limit })
      assert.deepEqual(pages.map((page) => page.length), sizes, `limit ${limit}`) // prettier-ignore
      assert.deepEqual(namesOf(pages.flat(), prefix), names)
    }
  })

  test('limit: is 100 when absent', async ({ store, prefix }) => {
    const names = Array.from({ length: 101 }, (_, i) => String(1000 + i))
    await setAll(store, prefix, names.slice(0, 100))
    const whole = await store.scan({ prefix })
    assert.deepEqual([whole.entries.length, whole.token], [100, null])
    await setAll(store, prefix, names.slice(100))
    assert.deepEqual((await pagesOf(store, { prefix })).map((page) => page.length), [100, 1]) // prettier-ignore
  })

  test('a page: ends before it holds more than 4 MiB, and has one key at least', async ({ store, prefix }) => {
    for (let i = 0; i < 5; i++) await put(store, `${prefix}${i}`, new Uint8Array(MIB))
    const pages = await pagesOf(store, { prefix })
    assert.deepEqual(pages.map((page) => page.length), [3, 2]) // prettier-ignore
    assert.deepEqual(namesOf(pages.flat(), prefix), ['0', '1', '2', '3', '4'])
  })
}

function tokenContract(test: StoreTest): void {
  test('token: goes on behind the last key, whatever came and went meanwhile', async ({ store, prefix }) => {
    await setAll(store, prefix, ['b', 'd', 'f', 'h'])
    const { token } = await store.scan({ prefix, limit: 2 })
    await setAll(store, prefix, ['a', 'c', 'e', 'g'])
    await store.write({ DeleteMulti: { keys: [`${prefix}d`, `${prefix}f`] } })
    const request = { prefix, token: token ?? assert.fail('there is another page') }
    assert.deepEqual(await namesIn(store, prefix, request), ['e', 'g', 'h'])
    assert.deepEqual(await namesIn(store, prefix, request), ['e', 'g', 'h'], 'a token may be used twice')
    assert.deepEqual(await namesIn(store, prefix, { ...request, limit: 1 }), ['e'])
  })

  test('token: is good by any way to the same store', async ({ store, direct, prefix }) => {
    await setAll(store, prefix, ['a', 'b', 'c'])
    for (const [from, to] of [
      [store, direct],
      [direct, store],
    ] as const) {
      // prettier-ignore
      const { token } = await from.scan({ prefix, limit: 1 })
      assert.deepEqual(await namesIn(to, prefix, { prefix, token: token ?? assert.fail() }), ['b', 'c'])
    }
  })

  test('token: of another prefix or range, or none at all: INVALID_TOKEN', async ({ store, prefix }) => {
    await setAll(store, prefix, ['a1', 'a2', 'b1', 'b2'])
    const { token } = await store.scan({ prefix: `${prefix}a`, limit: 1 })
    assert.ok(token !== null)
    await refuses('INVALID_TOKEN', store.scan({ prefix: `${prefix}b`, token }))
    await refuses('INVALID_TOKEN', store.scan({ start: `${prefix}a2`, token }))
    for (const bad of ['nonsense', `${token}=`, `x${token}`, 's1.']) {
      await refuses('INVALID_TOKEN', store.scan({ prefix: `${prefix}a`, token: bad }), JSON.stringify(bad))
    }
  })

  test('token: an empty one is none, as some languages send it', async ({ store, prefix }) => {
    await setAll(store, prefix, ['a', 'b'])
    assert.deepEqual(await namesIn(store, prefix, { prefix, token: '' }), ['a', 'b'])
  })
}

function requestContract(test: StoreTest): void {
  test('a request that is none: is refused', async ({ store, prefix }) => {
    for (const limit of [0, -1, 1.5, 1001]) await refuses('INVALID_REQUEST', store.scan({ limit }), `limit ${limit}`)
    await refuses('INVALID_REQUEST', store.scan({ prefix, start: prefix }))
    await refuses('INVALID_REQUEST', store.scan({ prefix, end: prefix }))
    await refuses('INVALID_REQUEST', store.scan({ prefix: '\ud800' }))
    await refuses('INVALID_KEY', store.scan({ end: '' }))
    const tooLong = 'x'.repeat(1025)
    for (const request of [{ prefix: tooLong }, { start: tooLong }, { end: tooLong }]) {
      await refuses('KEY_TOO_LARGE', store.scan(request))
    }
  })
}
