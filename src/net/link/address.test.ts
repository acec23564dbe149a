import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress } from '../../api/index.ts'
import { reachableAddresses } from './address.ts'

test('reachableAddresses: is the bound address, or at least one that parses when bound to all', () => {
  assert.deepEqual(reachableAddresses('127.0.0.1', 5), ['127.0.0.1:5'])
  for (const any of ['0.0.0.0', '::']) {
    const found = reachableAddresses(any, 5)
    assert.ok(found.length > 0)
    for (const address of found) assert.ok(parseAddress(address) !== undefined && !address.startsWith(any), address)
  }
})
