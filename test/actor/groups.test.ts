import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defineActor } from '../../src/actor/index.ts'
import type { GroupEvent } from '../../src/actor/index.ts'
import { Stage, watch } from './stage.ts'

interface Worker {
  work(n: number): number
  fail(): never
}

const worker = defineActor<Worker>({
  start: () => ({
    work: (n) => n * 2,
    fail: () => {
      throw new Error('broken')
    },
  }),
})

function staged() {
  const stage = new Stage()
  const told: string[] = []
  const { groups } = stage.system
  const note = ({ type, member: { node, name } }: GroupEvent): void => void told.push(`${type} ${node ?? 'here'}/${name}`)
  const names = (): string[] => groups.members('workers').map(({ name }) => name)
  return { stage, groups, told, note, names }
}

describe('groups', () => {
  test('a registered actor joins, stays over its restarts, and leaves by itself when it is gone', async () => {
    const { stage, groups, told, note, names } = staged()
    groups.watch('workers', note)
    const ref = stage.system.spawn(worker, { registerAs: 'a' })
    stage.system.spawn(worker, { registerAs: 'b' })
    groups.join('workers', 'a')
    groups.join('workers', 'a')
    groups.join('workers', 'b')
    assert.deepEqual(names(), ['a', 'b'])
    assert.deepEqual(told, [], 'nobody is told inside of a call')
    await stage.rest()
    assert.deepEqual(told, ['joined here/a', 'joined here/b'])
    ref.cast('fail' as never)
    await stage.pass(1_000)
    assert.deepEqual(names(), ['a', 'b'])
    const asked = watch(groups.members<Worker>('workers')[0]?.ref.call('work', 4) ?? Promise.reject(new Error('nobody')))
    await stage.rest()
    assert.equal(asked.value, 8)
    ref.stop().catch(() => undefined)
    await stage.rest()
    assert.deepEqual(names(), ['b'])
    groups.leave('workers', 'b')
    groups.leave('workers', 'b')
    await stage.rest()
    assert.deepEqual([names(), told.slice(2)], [[], ['left here/a', 'left here/b']])
    assert.deepEqual(groups.local(), [])
  })

  test('who came and went unheard is left out; who is another one by the same name is told as both', async () => {
    const { stage, groups, told, note } = staged()
    groups.watch('workers', note)
    const first = stage.system.spawn(worker, { registerAs: 'a' })
    groups.join('workers', 'a')
    groups.leave('workers', 'a')
    groups.join('workers', 'a')
    groups.leave('workers', 'a')
    await stage.rest()
    assert.deepEqual(told, [])
    groups.join('workers', 'a')
    await stage.rest()
    first.stop().catch(() => undefined)
    // In the same turn as its end.
    stage.clock.defer(() => {
      stage.system.spawn(worker, { registerAs: 'a' })
      groups.join('workers', 'a')
    })
    await stage.rest()
    assert.deepEqual(told, ['joined here/a', 'left here/a', 'joined here/a'])
    const asked = watch(groups.members<Worker>('workers')[0]?.ref.call('work', 4) ?? Promise.reject(new Error('nobody')))
    await stage.rest()
    assert.equal(asked.value, 8, 'the reference is that of the new one')
  })

  test('members of other nodes come and go with what is heard of them', async () => {
    const { stage, groups, told, note } = staged()
    const local: string[] = []
    groups.watchLocal((type, { group, name }) => local.push(`${type} ${group}/${name}`))
    groups.watch('workers', note)
    const ref = stage.system.spawn(worker, { registerAs: 'a' })
    groups.join('workers', 'a')
    groups.joinedFrom('workers', { node: 2, name: 'a', ref })
    groups.joinedFrom('workers', { node: 2, name: 'a', ref })
    groups.joinedFrom('workers', { node: 3, name: 'a', ref })
    groups.joinedFrom('others', { node: 2, name: 'b', ref })
    await stage.rest()
    assert.deepEqual(told, ['joined here/a', 'joined 2/a', 'joined 3/a'])
    groups.leftFrom('workers', 3, 'a')
    groups.leftFrom('workers', 3, 'a')
    groups.forget(2)
    await stage.rest()
    assert.deepEqual(told.slice(3), ['left 3/a', 'left 2/a'])
    assert.deepEqual(groups.members('others'), [])
    assert.deepEqual([local, groups.local()], [['joined workers/a'], [{ group: 'workers', name: 'a' }]])
  })

  test('a listener that is cancelled hears nothing, and one that throws keeps nobody from hearing', async () => {
    const { stage, groups, told, note } = staged()
    groups.watch('workers', () => {
      throw new Error('a listener')
    })
    const cancelled = groups.watch('workers', note)
    groups.watch('workers', note)
    stage.system.spawn(worker, { registerAs: 'a' })
    groups.join('workers', 'a')
    cancelled.cancel()
    cancelled.cancel()
    assert.throws(() => stage.clock.settle(), /a listener/)
    await stage.rest()
    assert.deepEqual(told, ['joined here/a'])
  })

  test('who has no name here cannot join, nor under a name that is none; memberships have a bound', () => {
    const { stage, groups } = staged()
    assert.throws(() => groups.join('workers', 'a'), { code: 'DOWN', message: /no actor is registered as a/ })
    stage.system.spawn(worker, { registerAs: 'a' })
    for (const bad of ['', 'a/b', 7 as unknown as string]) {
      assert.throws(() => groups.join(bad, 'a'), TypeError)
      assert.throws(() => groups.join('workers', bad), TypeError)
      assert.throws(() => groups.watch(bad, () => undefined), TypeError)
    }
    assert.throws(() => groups.watch('workers', undefined as never), TypeError)
    for (let i = 0; i < 10_000; i++) groups.join(`g${i}`, 'a')
    assert.throws(() => groups.join('one-more', 'a'), { code: 'OVERLOADED' })
    groups.leave('g0', 'a')
    groups.join('one-more', 'a')
  })
})
