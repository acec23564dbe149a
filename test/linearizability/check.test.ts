import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkLinearizable } from './check.ts'
import type { RecordedOperation } from './history.ts'

/** `w a 1-4`: write, value, start and end; `?` behind the end leaves the outcome unknown, `!` means failed. */
function history(...lines: string[]): RecordedOperation[] {
  return lines.map((line, client) => {
    const [verb, value, times] = line.split(' ') as [string, string, string]
    const [start, end] = times.replace(/[?!]$/, '').split('-').map(Number) as [number, number]
    return {
      key: 'k',
      client,
      type: ({ w: 'write', r: 'read', d: 'delete' } as const)[verb as 'w' | 'r' | 'd'],
      value: value === '-' ? null : value,
      start,
      end,
      outcome: times.endsWith('?') ? 'unknown' : times.endsWith('!') ? 'failed' : 'ok',
    }
  })
}

const GOOD: Readonly<Record<string, readonly string[]>> = {
  'nothing happened': [],
  'a read before any write': ['r - 0-1', 'w a 2-3', 'r a 4-5'],
  'a read beside a write sees the old value': ['w a 0-1', 'w b 2-9', 'r a 3-4', 'r b 5-6'],
  'a read beside a write sees the new value': ['w a 0-1', 'w b 2-9', 'r b 3-4', 'r b 5-6'],
  'concurrent writes in either order': ['w a 0-9', 'w b 0-9', 'r b 10-11'],
  'an unknown write that took effect late': ['w a 0-1', 'w b 2-3?', 'r a 4-5', 'w c 6-7', 'r c 8-9', 'r b 10-11'],
  'an unknown write that never took effect': ['w a 0-1', 'w b 2-3?', 'r a 4-5', 'r a 100-101'],
  'a failed write that nobody saw': ['w a 0-1', 'w b 2-3!', 'r a 4-5'],
  'a delete and reads around it': ['w a 0-1', 'd - 2-6', 'r a 3-4', 'r - 5-6', 'r - 7-8'],
  'an unknown delete that took effect late': ['w a 0-1', 'd - 2-3?', 'r a 4-5', 'r - 6-7', 'w b 8-9', 'r b 10-11'],
  'two unknown deletes used for two absences': ['d - 0-1?', 'd - 0-1?', 'w a 2-3', 'r - 4-5', 'w b 6-7', 'r - 8-9'],
  'operations that touch at one instant are concurrent': ['w a 0-1', 'w b 1-2', 'r a 2-3'],
  'reads of unknown outcome say nothing': ['w a 0-1', 'r z 2-3?', 'r z 2-3!'],
}

for (const [name, lines] of Object.entries(GOOD)) {
  test(`checkLinearizable: accepts ${name}`, () => {
    assert.deepEqual(checkLinearizable(history(...lines)), {
      ok: true,
      keys: lines.length === 0 ? 0 : 1,
      operations: lines.length,
    })
  })
}

const BAD: Readonly<Record<string, readonly string[]>> = {
  'a stale read': ['w a 0-1', 'w b 2-3', 'r a 4-5'],
  'a lost write': ['w a 0-1', 'r - 2-3'],
  'a value nobody wrote': ['w a 0-1', 'r z 2-3'],
  'a value read before it was written': ['r a 0-1', 'w a 2-3'],
  'a read of a failed write': ['w a 0-1', 'w b 2-3!', 'r b 4-5'],
  'split brain: two values read in turn': ['w a 0-9', 'w b 0-9', 'r a 10-11', 'r b 12-13', 'r a 14-15'],
  'split brain: two readers disagree on the order': ['w a 0-9', 'w b 0-9', 'r a 1-2', 'r b 3-4', 'r b 1-2', 'r a 3-4'],
  'an unknown write applied twice': ['w a 0-1?', 'r a 2-3', 'w b 4-5', 'r b 6-7', 'r a 8-9'],
  'reads going back and forth around an unknown write': ['w a 0-1', 'w b 2-3?', 'r b 4-5', 'r a 6-7'],
  'an unknown write seen before it began': ['r a 0-1', 'w a 2-3?'],
  'a deleted value that comes back': ['w a 0-1', 'd - 2-3', 'r a 4-5'],
  'a delete that had no effect': ['w a 0-1', 'd - 2-3', 'r - 4-5', 'r a 6-7'],
  'one unknown delete used for two absences': ['d - 0-1?', 'w a 2-3', 'r - 4-5', 'w b 6-7', 'r - 8-9'],
  'a failed delete that took effect': ['w a 0-1', 'd - 2-3!', 'r - 4-5'],
  'a read that misses a write between two others': ['w a 0-1', 'w b 2-3', 'w c 2-3', 'r b 4-5', 'r c 6-7'],
}

for (const [name, lines] of Object.entries(BAD)) {
  test(`checkLinearizable: rejects ${name}`, () => {
    const verdict = checkLinearizable(history(...lines))
    assert.equal(verdict.ok, false)
  })
}

test('checkLinearizable: checks every key by itself', () => {
  const other = history('w a 0-1', 'r a 2-3').map((operation) => ({ ...operation, key: 'other' }))
  assert.deepEqual(checkLinearizable([...history('w a 0-1', 'r a 2-3'), ...other]), { ok: true, keys: 2, operations: 4 })
  const stale = history('w b 4-5', 'w c 6-7', 'r b 8-9').map((operation) => ({ ...operation, key: 'other' }))
  const verdict = checkLinearizable([...history('w a 0-1', 'r a 2-3'), ...stale])
  assert.equal(verdict.ok, false)
  assert.equal(verdict.key, 'other')
})

test('checkLinearizable: reports only the operations that contradict each other', () => {
  const noise: string[] = []
  for (let i = 0; i < 200; i++) noise.push(`w n${i} ${i * 10}-${i * 10 + 1}`, `r n${i} ${i * 10 + 2}-${i * 10 + 3}`)
  const lines = [...noise, 'w a 3000-3001', 'w b 3002-3003', 'r a 3004-3005', 'w z 3006-3007', 'r z 3008-3009']
  const verdict = checkLinearizable(history(...lines))
  assert.equal(verdict.ok, false)
  assert.equal(
    verdict.report,
    [
      'key k: no order of the operations explains what was seen.',
      'Of its 405 operations these 3 already contradict each other:',
      '  [3000 .. 3001] client 400 writes a',
      '  [3002 .. 3003] client 401 writes b',
      '  [3004 .. 3005] client 402 reads a',
    ].join('\n'),
  )
})

test('checkLinearizable: throws when the history itself is malformed', () => {
  assert.throws(() => checkLinearizable(history('w a 0-1', 'w a 2-3')), /written twice/)
  assert.throws(() => checkLinearizable(history('w a 5-1')), /ends before it starts/)
  assert.throws(() => checkLinearizable(history('w - 0-1')), /a write has a value/)
})
