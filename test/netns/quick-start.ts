/**
 * The quick start of three nodes, as it is printed, on its own ports and with what it types: on a machine of its own. Run by
 * quick-start.slow.test.ts, in a network namespace.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startChild, stopChildren } from '../../tools/cluster/child.ts'
import { eventually } from './lan.ts'

const ROOT = join(import.meta.dirname, '../..')
const PROGRAM = join(ROOT, 'bin/aspen-node.cjs')
const STOP_DEADLINE_MS = 20_000
const START = 'npm run -s aspen-node -- '

const [, SECTION = ''] = /^## Three nodes\n([\s\S]*?)^## /m.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
const LINES = [...SECTION.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'))

/** What a shell makes of a line; it must say that all went well. */
function type(line: string): unknown {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { encoding: 'utf8' })
  assert.equal(status, 0, `${line}: ${stderr}`)
  const answer = JSON.parse(stdout) as { readonly error?: unknown }
  assert.equal(answer.error, undefined, `${line}: ${stdout}`)
  return answer
}

const STARTS = LINES.filter((line) => line.startsWith(START))
const REQUESTS = LINES.filter((line) => line.startsWith('curl '))
const AT_ONCE = REQUESTS.slice(0, 2)
const GROWING = REQUESTS.slice(2)

const WAYS = [
  ['in five lines', STARTS, AT_ONCE],
  ['let grow', STARTS, GROWING],
  // As the specification has it.
  ['with the cookie that there is by default', STARTS.map((line) => line.replace(' --cookie dev-cluster', '')), GROWING],
] as const

test('README: the quick start is what is typed here', () => {
  assert.deepEqual([STARTS.length, AT_ONCE.length, GROWING.length, LINES.length], [3, 2, 4, 9])
  assert.match(AT_ONCE.join(), /\/init .*\/write /)
})

for (const [way, starts, requests] of WAYS) {
  test(`README: three nodes become a cluster with nothing copied by hand, ${way}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'aspen-quick-'))
    const nodes = starts.map((line, i) => {
      const args = line.slice(START.length).split(' ')
      // In a terminal each; what they keep goes where they are started.
      return startChild(
        `terminal ${i + 1}`,
        ['env', '-C', folder, process.execPath, PROGRAM, ...args],
        ['ignore', 'pipe', 'pipe'],
      )
    })
    try {
      for (const node of nodes)
        await eventually(`${node.name} says that it is ready`, async () => {
          assert.equal(node.ended(), undefined, node.output())
          return node.output().includes('is ready')
        })
      // Nobody waits for anything between two commands.
      for (const line of requests) type(line)
      const info = type('curl -s http://127.0.0.1:8083/raft-metrics') as { readonly cluster: { readonly members: unknown } }
      assert.deepEqual(info.cluster.members, [1, 2, 3])
      const ticket = type('curl -s http://127.0.0.1:8081/cluster-ticket') as { readonly ticket: string }
      assert.match(ticket.ticket, /^aspen[a-z2-7]+$/)
      const write = `curl -X POST http://127.0.0.1:8082/write -H "Content-Type: application/json" -d '{"command":{"Set":{"key":"k","value":"v"}}}'`
      assert.equal((type(write) as { readonly success: unknown }).success, true)
      const read = `curl -X POST http://127.0.0.1:8083/read -H "Content-Type: application/json" -d '{"key":"k"}'`
      assert.deepEqual(type(read), { value: 'v' })
    } finally {
      await stopChildren(nodes, STOP_DEADLINE_MS)
      rmSync(folder, { recursive: true, force: true })
    }
  })
}
