import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_CLIENT_LINKS, MAX_CONCURRENT_CONNECTIONS } from '../limits.ts'
import { descriptorLimit, lowDescriptorWarning, planDescriptors } from './descriptors.ts'

describe('planDescriptors', () => {
  test('never promises more than there is, keeps a reserve, and leaves something to everybody', () => {
    for (let limit = 64; limit <= 20_000; limit += 13) {
      const { links, clientLinks, http, reserved } = planDescriptors(limit)
      assert.ok(reserved + links + http.served + http.surplus <= limit, `${limit}`)
      assert.ok(reserved >= Math.max(Math.min(limit / 4, 256), Math.min(limit / 2, 64)))
      assert.ok(links >= 10 && clientLinks >= 5 && clientLinks < links && http.served >= 20 && http.surplus >= 1, `${limit}`)
    }
  })

  test('gives every part all it may want where there is enough, or nobody says', () => {
    const all = {
      links: MAX_CONCURRENT_CONNECTIONS,
      clientLinks: MAX_CLIENT_LINKS,
      http: { served: 10_000, surplus: 500 },
      reserved: 256,
    }
    assert.deepEqual(planDescriptors(12_000), all)
    assert.deepEqual(planDescriptors(undefined), all)
    assert.equal(lowDescriptorWarning(12_000), undefined)
    assert.equal(lowDescriptorWarning(undefined), undefined)
  })

  test('says what a low limit leaves, and what to do', () => {
    assert.match(
      lowDescriptorWarning(1024) ?? '',
      /may open 1024 files: the node takes at most 487 HTTP connections and 256 links; raise/,
    )
    assert.match(lowDescriptorWarning(4096) ?? '', /at most \d+ HTTP connections/)
  })
})

describe('descriptorLimit', () => {
  test('reads what the kernel says', () => {
    const table =
      'Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 4096                 files\n'
    assert.equal(
      descriptorLimit(() => table),
      1024,
    )
    assert.equal(
      descriptorLimit(() => table.replace('1024', 'unlimited')),
      undefined,
    )
    assert.equal(
      descriptorLimit(() => {
        throw new Error('ENOENT')
      }),
      undefined,
    )
  })
})
