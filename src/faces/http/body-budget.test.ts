import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyBudget } from './body-budget.ts'

test('BodyBudget: refuses what finds no room and takes nothing for it; what is released can be taken again', () => {
  const budget = new BodyBudget(10)
  assert.equal(budget.take(8), undefined)
  assert.equal(budget.take(3)?.code, 'OVERLOADED')
  assert.equal(budget.take(2), undefined)
  assert.equal(budget.heldBytes, 10)
  budget.release(10)
  assert.equal(budget.take(10), undefined)
})
