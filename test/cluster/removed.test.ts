import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, formThree, rejectsWith, testNodes } from './nodes.ts'

test('AspenNode: a node that is up when it is removed says so everywhere at once', async (t) => {
  const [one, , three] = await formThree(testNodes(t))
  await three.write({ Set: { key: 'k', value: 'v' } })
  await one.changeMembership({ members: [1, 2] })
  const failing = await eventually('the node knows', () =>
    three.status().checks.find(({ name, ok }) => name === 'membership' && !ok),
  )
  assert.match(failing.detail, /this node was removed from the cluster/)
  await rejectsWith('REMOVED', three.write({ Set: { key: 'k', value: 'w' } }))
  await rejectsWith('REMOVED', three.read('k'))
  assert.match(three.status().checks.find(({ name }) => name === 'voter_links')?.detail ?? '', /no voter/)
})
