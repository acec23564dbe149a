import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MAX_PEERS } from '../../limits.ts'
import type { Message } from '../../raft/index.ts'
import { HeardPromises } from './heard-promises.ts'

const addressed = { from: 2, to: 1 }
const at = { term: 1, index: 1 }
const vote = (term: number, preVote: boolean): Message => ({
  ...addressed,
  type: 'vote',
  term,
  preVote,
  lastLog: at,
  transfer: false,
})
const answer = (term: number, preVote: boolean, granted: boolean): Message => ({
  ...addressed,
  type: 'vote-response',
  term,
  preVote,
  granted,
})

describe('HeardPromises', () => {
  test('spoke: the highest term that a peer has bound itself to counts, by key', () => {
    const promises = new HeardPromises()
    const heard = (message: Message): number => {
      promises.spoke('a', message)
      return promises.termOf('a')
    }
    assert.equal(heard(vote(3, true)), 0, 'a trial vote is in no term')
    assert.equal(heard(answer(3, true, true)), 0, 'nor is a trial grant')
    assert.equal(
      heard({ ...addressed, type: 'read-index', term: 3, incarnation: 1, context: 1 }),
      0,
      'a question waits for no disk',
    )
    assert.equal(heard(answer(1, true, false)), 1)
    assert.equal(heard(vote(2, false)), 2)
    assert.equal(heard(answer(3, false, false)), 3)
    assert.equal(heard({ ...addressed, type: 'heartbeat-response', term: 4, incarnation: 1, round: 1 }), 4)
    assert.equal(heard({ ...addressed, type: 'heartbeat', term: 5, commit: 0, incarnation: 1, round: 1 }), 5)
    assert.equal(heard(vote(4, false)), 5)
    assert.equal(promises.termOf('b'), 0)
  })

  test('isFirstLink: until the link has ended once in this life', () => {
    const promises = new HeardPromises()
    assert.equal(promises.isFirstLink('a'), true)
    promises.unlinked('a')
    assert.deepEqual([promises.isFirstLink('a'), promises.isFirstLink('b')], [false, true])
  })

  test('HeardPromises: keeps no more than so many keys, and then takes no link for the first', () => {
    const promises = new HeardPromises()
    for (let i = 0; i <= 2 * MAX_PEERS; i++) {
      promises.spoke(`k${i}`, vote(1, false))
      promises.unlinked(`k${i}`)
    }
    assert.deepEqual([promises.termOf('k0'), promises.termOf(`k${2 * MAX_PEERS}`)], [0, 1])
    assert.deepEqual([promises.isFirstLink('k0'), promises.isFirstLink('never seen')], [false, false])
  })
})
