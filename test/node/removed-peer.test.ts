import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STRANGER_EXPIRY_MS } from '../../src/limits.ts'
import { World } from '../simulation/world.ts'

test('NodeServer: a member that was removed and has gone is no longer dialled, unless the settings name it', () => {
  const world = new World({ seed: 1, nodes: 3 })
  const [first, second, third] = world.machines
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  const dialled = (): (number | null)[] => {
    const { server } = first
    assert.ok(server !== null)
    // What the settings name is dialled for ever: here nothing but the configuration is to count.
    return server.service.status().peers.map(({ endpointId }) => Number.parseInt(endpointId, 16))
  }
  for (const machine of [second, third])
    first.server?.serviceParts.peerBook.withdraw(machine.server?.service.endpointId ?? '', 'peers')
  assert.deepEqual(new Set(dialled()), new Set([2, 3]))
  world.changeVoters([1, 2])
  third.crash('power-cut')
  world.run(STRANGER_EXPIRY_MS + 120_000)
  assert.deepEqual(dialled(), [2])
  world.assertProgress('k')
})
