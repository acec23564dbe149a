import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { utf8Encode } from '../lib/index.ts'
import type { KeyValue, KeyValueStore, ScanPage } from './key-value-store.ts'
import { KvClient } from './kv-client.ts'

const entry = (key: string, value: Uint8Array): KeyValue => ({
  key: utf8Encode(key),
  value,
  createRevision: 1,
  modRevision: 2,
  version: 2,
})

/** Notes what it is asked, and answers from a list of pages and a map. */
function recorder(
  values: Readonly<Record<string, Uint8Array>> = {},
  pages: ScanPage[] = [],
): { store: KeyValueStore; calls: unknown[] } {
  const calls: unknown[] = []
  const store: KeyValueStore = {
    write: async (command, options) => {
      calls.push(['write', command, options])
      return { logId: { term: 3, index: 9 } }
    },
    read: async (key, options) => {
      calls.push(['read', key, options])
      const value = values[key as string]
      return value === undefined ? undefined : entry(key as string, value)
    },
    scan: async (request, options) => {
      calls.push(['scan', request, options])
      return pages.shift() ?? { entries: [], token: null }
    },
  }
  return { store, calls }
}

describe('KvClient', () => {
  test('set and delete: are writes, answered with the log id', async () => {
    const { store, calls } = recorder()
    const client = new KvClient(store)
    assert.deepEqual(await client.set('k', 'v', { timeoutMs: 7 }), { term: 3, index: 9 })
    assert.deepEqual(await client.delete('k'), { term: 3, index: 9 })
    assert.deepEqual(calls, [
      ['write', { Set: { key: 'k', value: 'v' } }, { timeoutMs: 7 }],
      ['write', { Delete: { key: 'k' } }, undefined],
    ])
  })

  test('get and getText: give bytes and text, undefined for what is missing or no text', async () => {
    const client = new KvClient(recorder({ text: utf8Encode('grün'), bytes: Uint8Array.of(0xff) }).store)
    assert.deepEqual(await client.get('bytes'), Uint8Array.of(0xff))
    assert.equal(await client.getText('text'), 'grün')
    assert.equal(await client.getText('bytes'), undefined)
    assert.equal(await client.get('none'), undefined)
    assert.equal(await client.getText('none'), undefined)
  })

  test('entries: follows the tokens to the last page, also over an empty page, with the same request', async () => {
    const [a, b] = [entry('a', utf8Encode('1')), entry('b', utf8Encode('2'))]
    const pages: ScanPage[] = [
      { entries: [a], token: 's1.x' },
      { entries: [], token: 's1.y' },
      { entries: [b], token: null },
    ]
    const { store, calls } = recorder({}, pages)
    assert.deepEqual(await Array.fromAsync(new KvClient(store).entries({ prefix: 'p', limit: 1 }, { timeoutMs: 5 })), [a, b])
    assert.deepEqual(calls, [
      ['scan', { prefix: 'p', limit: 1 }, { timeoutMs: 5 }],
      ['scan', { prefix: 'p', limit: 1, token: 's1.x' }, { timeoutMs: 5 }],
      ['scan', { prefix: 'p', limit: 1, token: 's1.y' }, { timeoutMs: 5 }],
    ])
  })

  test('entries: asks for no page that nobody reads', async () => {
    const { store, calls } = recorder({}, [{ entries: [entry('a', utf8Encode('1'))], token: 's1.x' }])
    for await (const one of new KvClient(store).entries()) {
      assert.deepEqual(one.key, utf8Encode('a'))
      break
    }
    assert.equal(calls.length, 1)
  })

  test('write, read and scan: pass through', async () => {
    const { store, calls } = recorder({ k: utf8Encode('v') })
    const client = new KvClient(store)
    const origin = { client: 'c', sequence: 1 }
    assert.deepEqual(await client.write({ Delete: { key: 'k' } }, { origin }), { logId: { term: 3, index: 9 } })
    assert.equal((await client.read('k', { timeoutMs: 1 }))?.version, 2)
    assert.deepEqual(await client.scan({ prefix: 'k' }, { timeoutMs: 2 }), { entries: [], token: null })
    assert.deepEqual(calls, [
      ['write', { Delete: { key: 'k' } }, { origin }],
      ['read', 'k', { timeoutMs: 1 }],
      ['scan', { prefix: 'k' }, { timeoutMs: 2 }],
    ])
  })
})
