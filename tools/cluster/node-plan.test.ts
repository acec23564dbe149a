import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadConfig } from '../../src/cluster/config/index.ts'
import { cleanEnvironment, nodeCommand, nodeUrl, shellLine } from './node-plan.ts'
import type { NodePlan } from './node-plan.ts'

const KEY = 'ab'.repeat(32)

const PLAN: NodePlan = {
  nodeId: 2,
  httpPort: 21_002,
  ractorPort: 26_002,
  dataDir: '/tmp/a b/node-2',
  storage: 'Sqlite',
  cookie: ['--cookie-file', 'cookie'],
  peers: [`1@${KEY}:127.0.0.1:26001`],
  more: ['--log-level', 'warn'],
}

test('nodeCommand: says everything that the plan says, in flags that a node understands', () => {
  const [program, script, ...argv] = nodeCommand(PLAN)
  assert.equal(program, process.execPath)
  assert.match(script!, /bin\/aspen-node\.cjs$/)
  const loaded = loadConfig({ argv, env: {}, readFile: (path) => (path === 'cookie' ? 'own\n' : '') })
  assert(loaded.kind === 'run')
  const { config } = loaded
  assert.deepEqual([config.nodeId, config.httpAddr, config.ractorPort], [2, { host: '127.0.0.1', port: 21_002 }, 26_002])
  assert.deepEqual([config.dataDir, config.storageBackend, config.cookie], ['/tmp/a b/node-2', 'Sqlite', 'own'])
  assert.deepEqual(config.peers, [{ nodeId: 1, endpointId: KEY, addresses: ['127.0.0.1:26001'], relay: null }])
  assert.equal(config.logLevel, 'warn')
  assert.equal(nodeUrl(PLAN), 'http://127.0.0.1:21002')
})

test('shellLine: gives words that a shell reads back as they were', () => {
  const words = fc.array(
    fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0')),
    { minLength: 1, maxLength: 5 },
  )
  const readBack = (line: string): string[] =>
    execFileSync('/bin/sh', ['-c', `for w in ${line}; do printf '%s\\0' "$w"; done`], { encoding: 'utf8' })
      .split('\0')
      .slice(0, -1)
  fc.assert(
    fc.property(words, (given) => assert.deepEqual(readBack(shellLine(given)), given)),
    { numRuns: 30, examples: [[["it's", '$HOME', '', 'a b', '--x=1', '`id`', '*']]] },
  )
})

test('cleanEnvironment: keeps all but the variables of Aspen', () => {
  assert.deepEqual(cleanEnvironment({ PATH: '/bin', ASPEN_COOKIE: 'x', ASPENX: 'y' }), { PATH: '/bin', ASPENX: 'y' })
})
