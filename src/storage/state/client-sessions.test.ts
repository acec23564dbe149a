import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WriteResult } from '../../api/index.ts'
import { MAX_CLIENT_SESSIONS } from '../../limits.ts'
import type { ClientSession } from './client-sessions.ts'
import { ClientSessions, MAX_SESSION_RESULT_BYTES, MAX_SESSION_RESULT_SIZE } from './client-sessions.ts'

function resultAt(index: number, valueSize: number): WriteResult {
  const entry = { key: Uint8Array.of(1), value: new Uint8Array(valueSize), createRevision: 1, modRevision: 1, version: 1 }
  return { logId: { term: 1, index }, txn: { succeeded: true, results: [{ type: 'get', entry }] } }
}

test('ClientSessions: keeps the bytes of all results bounded, and every log id', () => {
  const sessions = new ClientSessions()
  const size = MAX_SESSION_RESULT_SIZE - 1000
  const count = 400
  for (let i = 1; i <= count; i++) sessions.record({ client: `c${i}`, sequence: 1 }, resultAt(i, size))
  let bytes = 0
  for (const { result } of sessions.values()) bytes += result.length
  assert.ok(bytes > MAX_SESSION_RESULT_BYTES - size && bytes < MAX_SESSION_RESULT_BYTES + count * 100, String(bytes))
  assert.equal(sessions.repeated({ client: 'c1', sequence: 1 })?.txn?.results.length, 1)
  const bare = { logId: { term: 1, index: count }, txn: { succeeded: true, results: [] } }
  assert.deepEqual(sessions.repeated({ client: `c${count}`, sequence: 1 }), bare)
  // A small result in the place of a large one makes room again.
  sessions.record({ client: 'c1', sequence: 2 }, { logId: { term: 1, index: count + 1 } })
  sessions.record({ client: 'new', sequence: 1 }, resultAt(count + 2, size))
  assert.equal(sessions.repeated({ client: 'new', sequence: 1 })?.txn?.results.length, 1)
})

test('ClientSessions: tells the table of every change, and begins again from what it stored', () => {
  const stored = new Map<string, ClientSession>()
  const table = {
    save: (session: ClientSession) => stored.set(session.client, session),
    remove: (client: string) => stored.delete(client),
  }
  const sessions = new ClientSessions([], table)
  for (let i = 1; i <= MAX_CLIENT_SESSIONS + 3; i++)
    sessions.record({ client: `c${i % 10_002}`, sequence: i }, { logId: { term: 1, index: i } })
  assert.deepEqual(
    [...stored.values()].toSorted((a, b) => a.lastIndex - b.lastIndex),
    [...sessions.values()],
  )
  const again = new ClientSessions(sessions.values())
  assert.deepEqual([...again.values()], [...sessions.values()])
})

test('ClientSessions: forgets the oldest past the bound', () => {
  const sessions = new ClientSessions()
  for (let i = 1; i <= MAX_CLIENT_SESSIONS; i++)
    sessions.record({ client: `c${i}`, sequence: 1 }, { logId: { term: 1, index: i } })
  sessions.record({ client: 'c1', sequence: 2 }, { logId: { term: 1, index: MAX_CLIENT_SESSIONS + 1 } })
  sessions.record({ client: 'new', sequence: 1 }, { logId: { term: 1, index: MAX_CLIENT_SESSIONS + 2 } })
  assert.equal(sessions.size, MAX_CLIENT_SESSIONS)
  assert.equal(sessions.repeated({ client: 'c2', sequence: 1 }), undefined)
  assert.equal(sessions.repeated({ client: 'c1', sequence: 2 })?.logId.index, MAX_CLIENT_SESSIONS + 1)
})
