/** How large keys, values, batches and commands may be, and what is said of larger ones. */
import assert from 'node:assert/strict'
import { envelopeSize, toCommand } from '../../src/commands/index.ts'
import type { WriteCommand } from '../../src/api/index.ts'
import { MAX_COMMAND_SIZE } from '../../src/limits.ts'
import { bytesOf, MIB, put, refuses, revisionsAt, textAt, utf8 } from './key-value-store-place.ts'
import type { OpenedStore, StoreTest } from './key-value-store-place.ts'

/** A key of so many bytes. */
const keyOf = (prefix: string, size: number): Uint8Array => utf8(prefix.padEnd(size, 'k'))

/** A command that is exactly so large when it is encoded. */
function commandOf(prefix: string, size: number): WriteCommand {
  const make = (last: number): WriteCommand => {
    const sizes = [...Array.from({ length: 8 }, () => MIB - 64), last]
    return { SetMulti: { pairs: sizes.map((length, i) => [`${prefix}${i}`, new Uint8Array(length)] as const) } }
  }
  const sizeOf = (write: WriteCommand): number => envelopeSize({ origin: null, command: toCommand(write) })
  // The length itself takes two bytes, as long as it is between 128 and 16383.
  const command = make(200 + size - sizeOf(make(200)))
  assert.equal(sizeOf(command), size)
  return command
}

export function limitContract(test: StoreTest): void {
  keyContract(test)
  valueContract(test)
  commandContract(test)
}

function keyContract(test: StoreTest): void {
  test('a key: has up to 1024 bytes', async ({ store, prefix }) => {
    const text = prefix.padEnd(1024, 'ü').slice(0, (1024 - prefix.length) / 2 + prefix.length)
    for (const key of [keyOf(prefix, 1024), Buffer.byteLength(text) === 1024 ? text : `${text}k`]) {
      await put(store, key, 'largest')
      assert.equal(await textAt(store, key), 'largest')
      assert.equal((await store.scan({ start: key, limit: 1 })).entries.length, 1)
      await store.write({ DeleteMulti: { keys: [key] } })
      assert.equal(await store.read(key), undefined)
    }
  })

  test('a larger key: KEY_TOO_LARGE with its size, by whatever call', async ({ store, prefix }) => {
    const key = keyOf(prefix, 1025)
    const calls = [
      () => store.read(key),
      () => store.write({ Set: { key, value: '' } }),
      () => store.write({ Delete: { key } }),
      () => store.write({ SetMulti: { pairs: [[key, '']] } }),
      () => store.write({ DeleteMulti: { keys: [key] } }),
    ]
    for (const call of calls) {
      const error = await refuses('KEY_TOO_LARGE', call())
      assert.deepEqual([error.details, error.retryable], [{ size: 1025, limit: 1024 }, false])
    }
    await refuses('KEY_TOO_LARGE', store.read('ü'.repeat(513)))
  })

  test('no key: INVALID_KEY, by whatever call', async ({ store }) => {
    for (const key of ['', bytesOf()]) {
      const calls = [
        () => store.read(key),
        () => store.write({ Set: { key, value: 'v' } }),
        () => store.write({ Delete: { key } }),
        () => store.write({ SetMulti: { pairs: [[key, 'v']] } }),
        () => store.write({ DeleteMulti: { keys: [key] } }),
      ]
      for (const call of calls) await refuses('INVALID_KEY', call())
    }
  })

  test('text that is no Unicode: INVALID_REQUEST', async ({ store, prefix }) => {
    await refuses('INVALID_REQUEST', store.read('\ud800'))
    await refuses('INVALID_REQUEST', store.write({ Set: { key: `${prefix}\udc00`, value: '' } }))
    await refuses('INVALID_REQUEST', store.write({ Set: { key: `${prefix}k`, value: '\ud800' } }))
    await refuses('INVALID_REQUEST', store.write({ Delete: { key: '\ud800x' } }))
  })
}

function valueContract(test: StoreTest): void {
  test('a value: has up to one MiB', async ({ store, prefix }) => {
    const value = Uint8Array.from({ length: MIB }, (_, i) => i % 251)
    await put(store, `${prefix}k`, value)
    assert.ok(Buffer.from(value).equals((await store.read(`${prefix}k`))?.value ?? bytesOf()))
    const revisions = await revisionsAt(store, `${prefix}k`)
    const error = await refuses('VALUE_TOO_LARGE', put(store, `${prefix}k`, new Uint8Array(MIB + 1)))
    assert.deepEqual(error.details, { size: MIB + 1, limit: MIB })
    await refuses('VALUE_TOO_LARGE', put(store, `${prefix}k`, 'ü'.repeat(MIB / 2 + 1)))
    await refuses('VALUE_TOO_LARGE', store.write({ SetMulti: { pairs: [[`${prefix}a`, ''], [`${prefix}k`, new Uint8Array(MIB + 1)]] } })) // prettier-ignore
    assert.deepEqual([await revisionsAt(store, `${prefix}k`), await store.read(`${prefix}a`)], [revisions, undefined])
  })

  test('text as a value: counts by its bytes', async ({ store, prefix }) => {
    await put(store, `${prefix}k`, 'ü'.repeat(MIB / 2))
    assert.equal((await store.read(`${prefix}k`))?.value.length, MIB)
  })
}

function commandContract(test: StoreTest): void {
  test('a batch: has 1 to 100 keys', async ({ store, prefix }) => {
    const keys = Array.from({ length: 101 }, (_, i) => `${prefix}${i}`)
    const pairs = keys.map((key) => [key, ''] as const)
    await store.write({ SetMulti: { pairs: pairs.slice(1) } })
    assert.equal((await store.scan({ prefix, limit: 1000 })).entries.length, 100)
    for (const command of [{ SetMulti: { pairs } }, { DeleteMulti: { keys } }]) {
      const error = await refuses('BATCH_TOO_LARGE', store.write(command))
      assert.deepEqual(error.details, { size: 101, limit: 100 })
    }
    assert.equal((await store.scan({ prefix, limit: 1000 })).entries.length, 100)
    await store.write({ DeleteMulti: { keys: keys.slice(1) } })
    assert.equal((await store.scan({ prefix })).entries.length, 0)
    await refuses('INVALID_REQUEST', store.write({ SetMulti: { pairs: [] } }))
    await refuses('INVALID_REQUEST', store.write({ DeleteMulti: { keys: [] } }))
  })

  test('a command: has up to 8 MiB, its origin included', async ({ store, prefix }) => {
    const largest = commandOf(prefix, MAX_COMMAND_SIZE)
    await store.write(largest)
    const revisions = await revisionsAt(store, `${prefix}8`)
    assert.deepEqual(revisions?.[2], 1)
    const error = await refuses('COMMAND_TOO_LARGE', store.write(commandOf(prefix, MAX_COMMAND_SIZE + 1)))
    assert.deepEqual(error.details, { size: MAX_COMMAND_SIZE + 1, limit: MAX_COMMAND_SIZE })
    await refuses('COMMAND_TOO_LARGE', store.write(largest, { origin: { client: `${prefix}c`, sequence: 1 } }))
    assert.deepEqual(await revisionsAt(store, `${prefix}8`), revisions)
  })
}

/** Fills the store, by the shortest way: for one that no other test uses. */
export async function quotaContract({ store, direct }: OpenedStore): Promise<void> {
  const value = new Uint8Array(MIB)
  const batch = (at: number): WriteCommand => ({
    SetMulti: { pairs: [0, 1, 2, 3, 4, 5, 6].map((i) => [`${at}/${i}`, value] as const) },
  })
  // 14 times 7 MiB; two more values would pass 100 MiB with what keys cost besides.
  for (let at = 0; at < 14; at++) await direct.write(batch(at))
  await put(store, 'k', value)
  const error = await refuses('QUOTA_EXCEEDED', put(store, 'l', value))
  assert.deepEqual([error.details['limit'], error.details['max'], error.details['keys']], ['bytes', 100 * MIB, 99])
  assert.equal(error.retryable, false)
  await refuses('QUOTA_EXCEEDED', store.write({ Txn: { compare: [], then: [], else: [{ Set: { key: 'l', value } }] } }))
  assert.equal(await store.read('l'), undefined)
  await put(store, 'k', value)
  await put(store, 'small', 'fits')
  await store.write({ Delete: { key: '0/0' } })
  await put(store, 'l', value)
  await refuses('QUOTA_EXCEEDED', put(store, 'm', value))
}
