import assert from 'node:assert/strict'
import { scryptSync } from 'node:crypto'
import { test } from 'node:test'
import { deriveCookieKey } from './handshake.ts'

test('deriveCookieKey: is scrypt of cookie and cost, however many were derived before, and every caller’s own', async () => {
  const expected = (cookie: string, cost: number): string =>
    scryptSync(cookie, 'aspen cookie', 32, { N: cost, r: 8, p: 1 }).toString('hex')
  for (let round = 0; round < 2; round++) {
    for (const cost of [2, 4]) {
      // More than are remembered.
      for (let i = 0; i < 12; i++) {
        const keys = await Promise.all([deriveCookieKey(`cookie ${i}`, cost), deriveCookieKey(`cookie ${i}`, cost)])
        for (const key of keys) {
          assert.equal(Buffer.from(key).toString('hex'), expected(`cookie ${i}`, cost))
          key.fill(0)
        }
      }
    }
  }
})

test('deriveCookieKey: says each time what is wrong with a cost', async () => {
  for (let i = 0; i < 2; i++) await assert.rejects(deriveCookieKey('c', 3), RangeError)
})
