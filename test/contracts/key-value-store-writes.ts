/** Sets, deletes, and what a read finds after them. */
import assert from 'node:assert/strict'
import { bytesOf, plainEntry, put, revisionsAt, textAt, under, utf8 } from './key-value-store-place.ts'
import type { StoreTest } from './key-value-store-place.ts'

export function writeContract(test: StoreTest): void {
  valueContract(test)
  revisionContract(test)
  batchContract(test)
  ownershipContract(test)
}

function valueContract(test: StoreTest): void {
  test('read: finds what was set, and nothing where nothing was', async ({ store, prefix }) => {
    const { logId, revision } = await store.write({ Set: { key: `${prefix}hello`, value: 'wörld' } }, { revision: true })
    assert.ok(logId.term >= 1 && logId.index >= 1 && revision !== undefined && revision >= 2)
    const entry = { createRevision: revision, modRevision: revision, version: 1 }
    assert.deepEqual(
      plainEntry(await store.read(`${prefix}hello`)),
      plainEntry({ ...entry, key: utf8(`${prefix}hello`), value: utf8('wörld') }),
    )
    assert.equal(await store.read(`${prefix}other`), undefined)
  })

  test('read: finds by the shortest way what was written here, and the other way round', async ({ store, direct, prefix }) => {
    await put(store, `${prefix}here`, '1')
    await put(direct, `${prefix}there`, '2')
    for (const key of ['here', 'there']) {
      const [a, b] = [await store.read(`${prefix}${key}`), await direct.read(`${prefix}${key}`)]
      assert.notEqual(a, undefined)
      assert.deepEqual(plainEntry(a), plainEntry(b))
    }
  })

  test('an empty value: is a value, not the absence of one', async ({ store, prefix }) => {
    await put(store, `${prefix}text`, '')
    await put(store, `${prefix}bytes`, bytesOf())
    for (const key of ['text', 'bytes']) assert.equal((await store.read(`${prefix}${key}`))?.value.length, 0)
  })

  test('bytes: keys and values of any bytes come back as they were', async ({ store, prefix }) => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    const keys = [under(prefix, 0), under(prefix, 0, 0), under(prefix, 0xff, 0xfe), under(prefix, ...all)]
    for (const key of keys) await put(store, key, Uint8Array.from([...all, ...key]))
    for (const key of keys) {
      const entry = (await store.read(key)) ?? assert.fail()
      assert.deepEqual([[...entry.key], [...entry.value]], [[...key], [...all, ...key]])
    }
  })

  test('text and its UTF-8 bytes: are the same key', async ({ store, prefix }) => {
    await put(store, `${prefix}grün😀`, 'text')
    assert.equal(await textAt(store, utf8(`${prefix}grün😀`)), 'text')
    await store.write({ Delete: { key: Buffer.from(`${prefix}grün😀`) } })
    assert.equal(await store.read(`${prefix}grün😀`), undefined)
    // Composed and decomposed forms differ in their bytes, and are two keys.
    await put(store, `${prefix}\u00e9`, 'composed')
    assert.equal(await store.read(`${prefix}e\u0301`), undefined)
  })
}

function revisionContract(test: StoreTest): void {
  test('revisions: count the writes that change a key, and begin again after a delete', async ({ store, prefix }) => {
    const key = `${prefix}k`
    const first = await put(store, key, '1')
    assert.deepEqual(await revisionsAt(store, key), [first, first, 1])
    const second = await put(store, key, '1')
    assert.equal(second, first + 1)
    assert.deepEqual(await revisionsAt(store, key), [first, second, 2])
    const deleted = await store.write({ Delete: { key } }, { revision: true })
    assert.equal(deleted.revision, second + 1)
    const nothing = await store.write({ Delete: { key } }, { revision: true })
    assert.equal(nothing.revision, second + 1)
    assert.equal((await store.write({ Delete: { key } })).revision, undefined)
    assert.equal(await revisionsAt(store, key), null)
    const third = await put(store, key, '1')
    assert.deepEqual(await revisionsAt(store, key), [third, third, 1])
  })

  test('revisions: a write leaves those of other keys as they are', async ({ store, prefix }) => {
    const first = await put(store, `${prefix}a`, '1')
    await put(store, `${prefix}ab`, '2')
    await store.write({ Delete: { key: `${prefix}b` } })
    assert.deepEqual(await revisionsAt(store, `${prefix}a`), [first, first, 1])
  })

  test('logId: grows from write to write, also for one that changes nothing', async ({ store, prefix }) => {
    const ids = [
      (await store.write({ Delete: { key: `${prefix}none` } })).logId,
      (await store.write({ DeleteMulti: { keys: [`${prefix}none`] } })).logId,
      (await store.write({ Txn: { compare: [], then: [{ Get: { key: `${prefix}none` } }] } })).logId,
      (await store.write({ Set: { key: `${prefix}k`, value: '' } })).logId,
    ]
    for (const [i, id] of ids.entries()) assert.ok(i === 0 || id.index > (ids[i - 1]?.index ?? 0))
    assert.equal(await store.read(`${prefix}none`), undefined)
  })
}

function batchContract(test: StoreTest): void {
  test('SetMulti: sets all in one revision, the last of a key last', async ({ store, prefix }) => {
    const before = await put(store, `${prefix}b`, 'before')
    const pairs = [[`${prefix}a`, '1'], [`${prefix}b`, '2'], [under(prefix, 0xff), bytesOf(0xff)], [`${prefix}a`, '3']] as const // prettier-ignore
    const result = await store.write({ SetMulti: { pairs } }, { revision: true })
    const index = result.revision
    assert.equal(result.txn, undefined)
    assert.deepEqual(await revisionsAt(store, `${prefix}a`), [index, index, 2])
    assert.deepEqual(await revisionsAt(store, `${prefix}b`), [before, index, 2])
    assert.deepEqual(await revisionsAt(store, under(prefix, 0xff)), [index, index, 1])
    assert.equal(await textAt(store, `${prefix}a`), '3')
  })

  test('DeleteMulti: deletes all that is there', async ({ store, prefix }) => {
    for (const key of ['a', 'b', 'c']) await put(store, `${prefix}${key}`, key)
    await store.write({ DeleteMulti: { keys: [`${prefix}a`, `${prefix}none`, `${prefix}c`, `${prefix}a`] } })
    const left = await store.scan({ prefix })
    assert.deepEqual(left.entries.map(({ key }) => new TextDecoder().decode(key)), [`${prefix}b`]) // prettier-ignore
  })

  test('a batch: of which one part is refused changes nothing', async ({ store, prefix }) => {
    await put(store, `${prefix}k`, 'before')
    const bad = 'x'.repeat(1025)
    await assert.rejects(store.write({ SetMulti: { pairs: [[`${prefix}k`, 'after'], [bad, '']] } }), { code: 'KEY_TOO_LARGE' }) // prettier-ignore
    await assert.rejects(store.write({ DeleteMulti: { keys: [`${prefix}k`, ''] } }), { code: 'INVALID_KEY' })
    assert.equal(await textAt(store, `${prefix}k`), 'before')
  })
}

function ownershipContract(test: StoreTest): void {
  test('bytes given: may be changed as soon as the call has returned its promise', async ({ store, prefix }) => {
    const [key, value] = [under(prefix, 1, 2), bytesOf(3, 4)]
    const written = store.write({ Set: { key, value } })
    key.fill(0)
    value.fill(0)
    await written
    assert.deepEqual([...((await store.read(under(prefix, 1, 2)))?.value ?? [])], [3, 4])
  })

  test('bytes found: are the reader’s own', async ({ store, prefix }) => {
    await put(store, `${prefix}k`, bytesOf(1, 2))
    const get = { Txn: { compare: [], then: [{ Get: { key: `${prefix}k` } }] } } as const
    const found = (await store.write(get)).txn?.results[0]
    const entries = [await store.read(`${prefix}k`), ...(await store.scan({ prefix })).entries]
    if (found?.type === 'get') entries.push(found.entry ?? undefined)
    assert.equal(entries.length, 3)
    for (const entry of entries) {
      entry?.value.fill(0xee)
      entry?.key.fill(0xee)
    }
    const entry = (await store.read(`${prefix}k`)) ?? assert.fail()
    assert.deepEqual([new TextDecoder().decode(entry.key), [...entry.value]], [`${prefix}k`, [1, 2]])
    assert.equal((await store.scan({ prefix })).entries.length, 1)
  })
}
