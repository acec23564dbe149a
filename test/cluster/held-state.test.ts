/** The database of the state has other visitors: a backup, a person with a shell. They may delay applying, and nothing else. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { rejectsWith, testNodes, text } from './nodes.ts'

interface Visitor {
  /** It lets go, and has ended. */
  leave(): Promise<void>
}

/** Another process that has run `sql` on a database, and stays until it is told to leave. */
async function visit(t: TestContext, file: string, sql: string): Promise<Visitor> {
  const program = `
    const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(file)}, { timeout: 60000 })
    database.exec(${JSON.stringify(sql)})
    console.log('here')
    process.stdin.on('end', () => database.close()).resume()`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(said.toString(), 'here\n')
  return {
    leave: async () => {
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    },
  }
}

test('AspenNode: another process that writes to the state delays what is applied, and ends nothing', async (t) => {
  const nodes = testNodes(t)
  const failures: Error[] = []
  const node = await nodes.start(1, {}, (error) => failures.push(error))
  await node.init([1])
  await node.write({ Set: { key: 'before', value: '1' } })
  // What is applied and not yet committed holds the lock itself; the state lets go of it within a second.
  const visitor = await visit(t, join(nodes.directory(1), 'state', 'state-1.db'), 'BEGIN IMMEDIATE')
  const { appliedIndex } = node.status()
  const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
  await Promise.all(keys.map((key, i) => node.write({ Set: { key, value: String(i) } }, { timeoutMs: 60_000 })))
  await rejectsWith('DEADLINE_EXCEEDED', node.read('k0', { timeoutMs: 1500 }))
  const { poisoned, lastLogIndex, appliedIndex: applied } = node.status()
  assert.deepEqual([failures, poisoned, applied], [[], null, appliedIndex])
  assert.ok(lastLogIndex >= appliedIndex + keys.length, 'the log is the truth, and the state trails it')
  await visitor.leave()
  assert.equal(text((await node.read('k299'))?.value), '299')
  assert.deepEqual(failures, [])
})

test('AspenNode: a reader of another process that stays delays no write', async (t) => {
  const nodes = testNodes(t)
  const failures: Error[] = []
  const node = await nodes.start(1, {}, (error) => failures.push(error))
  await node.init([1])
  const file = join(nodes.directory(1), 'state', 'state-1.db')
  const visitor = await visit(t, file, 'BEGIN; SELECT count(*) FROM entries')
  // More than a log of the database may have before it is begun again, with checkpoints that try to.
  const value = 'v'.repeat(100_000)
  for (let round = 0; round < 10; round++) {
    await Promise.all(Array.from({ length: 50 }, (_, i) => node.write({ Set: { key: `k${i}`, value } }, { timeoutMs: 60_000 })))
    await node.triggerSnapshot()
  }
  await visitor.leave()
  assert.equal((await node.read('k49'))?.version, 10)
  assert.deepEqual(failures, [])
})
