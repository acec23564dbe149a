import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSearchList, readSearchList, spellings } from './search-list.ts'

test('parseSearchList, spellings: a short name is looked up in the domains of the system first', () => {
  const pod = parseSearchList(
    'nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local.\noptions ndots:5 edns0\n',
  )
  assert.deepEqual(spellings('_aspen._tcp.aspen', pod), [
    '_aspen._tcp.aspen.default.svc.cluster.local',
    '_aspen._tcp.aspen.svc.cluster.local',
    '_aspen._tcp.aspen',
  ])
  const plain = parseSearchList('domain a.example\nsearch b.example\n# search c.example\n')
  assert.deepEqual(plain, { domains: ['b.example'], ndots: 1 })
  assert.deepEqual(spellings('x.y', plain), ['x.y', 'x.y.b.example'])
  assert.deepEqual(spellings('x', plain), ['x.b.example', 'x'])
  assert.deepEqual(spellings('x.', plain), ['x'])
})

test('parseSearchList, readSearchList: whatever stands there, or nothing', () => {
  assert.deepEqual(parseSearchList(`search ${'a '.repeat(50)}\noptions ndots:999`), { domains: Array(6).fill('a'), ndots: 15 })
  assert.deepEqual(parseSearchList('search ä -x ..\noptions ndots:x ndots\n\0\n'), { domains: [], ndots: 1 })
  assert.deepEqual(readSearchList('/nowhere/resolv.conf'), { domains: [], ndots: 1 })
})
