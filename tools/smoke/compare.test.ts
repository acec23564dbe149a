import assert from 'node:assert/strict'
import { test } from 'node:test'
import { difference } from './compare.ts'

const EXPECTED = { status: 200, body: '{"success":true,"log_id":{"term":1,"index":<number>}}' }

test('difference: finds none between a promise and an answer at any position', () => {
  assert.equal(difference(EXPECTED, { status: 200, body: '{"success":true,"log_id":{"term":1,"index":12}}' }), undefined)
})

test('difference: shows both where anything else differs', () => {
  const wrong = [
    { status: 201, body: '{"success":true,"log_id":{"term":1,"index":12}}' },
    { status: 200, body: '{"success":true,"log_id":{"term":2,"index":12}}' },
    { status: 200, body: '{"success":true,"log_id":{"term":1,"index":"12"}}' },
    { status: 200, body: '{"success": true,"log_id":{"term":1,"index":12}}' },
    { status: 200, body: '' },
  ]
  for (const actual of wrong) {
    const shown = difference(EXPECTED, actual)
    assert(shown !== undefined && shown.includes(`- expected 200 ${EXPECTED.body}`), JSON.stringify(actual))
    assert(shown.includes(`+ answered ${actual.status} ${actual.body}`))
  }
})
