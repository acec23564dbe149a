import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { interfacesNow } from './interfaces.ts'

test('interfacesNow: says what there was last while the system cannot say', () => {
  const before = interfacesNow()
  assert.deepEqual(before, networkInterfaces())
  const fails = (): never => {
    throw new Error('uv_interface_addresses returned Unknown system error 24')
  }
  assert.equal(interfacesNow(fails), before)
  assert.deepEqual(
    interfacesNow(() => ({})),
    {},
  )
})
