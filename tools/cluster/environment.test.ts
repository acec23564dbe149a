import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../../src/cluster/config/index.ts'
import { readClusterSettings } from './environment.ts'

function refuses(env: Readonly<Record<string, string>>, ...parts: readonly string[]): void {
  assert.throws(
    () => readClusterSettings(env),
    (error) => {
      assert(error instanceof ConfigError)
      for (const part of parts) assert(error.message.includes(part), `"${error.message}" does not say "${part}"`)
      return true
    },
  )
}

test('readClusterSettings: gives three durable nodes when nothing is set', () => {
  assert.deepEqual(readClusterSettings({ PATH: '/bin' }), {
    nodeCount: 3,
    storage: 'Sqlite',
    baseHttp: 21_001,
    baseRactor: 26_001,
    dataDir: undefined,
    cookie: undefined,
    warnings: [],
  })
})

test('readClusterSettings: takes every variable', () => {
  const env = {
    ASPEN_NODE_COUNT: '5',
    ASPEN_STORAGE: 'InMemory',
    ASPEN_BASE_HTTP: '31001',
    ASPEN_BASE_RACTOR: '31101',
    ASPEN_DATA_DIR: '/tmp/x',
    ASPEN_COOKIE: 'own',
  }
  const expected = {
    nodeCount: 5,
    storage: 'InMemory',
    baseHttp: 31_001,
    baseRactor: 31_101,
    dataDir: '/tmp/x',
    cookie: 'own',
    warnings: [],
  }
  assert.deepEqual(readClusterSettings(env), expected)
})

test('readClusterSettings: refuses wrong values and names the variable', () => {
  for (const text of ['0', '101', '-1', '1.5', '3x'])
    refuses({ ASPEN_NODE_COUNT: text }, 'ASPEN_NODE_COUNT', `"${text}"`, '1 to 100')
  refuses({ ASPEN_STORAGE: 'redis' }, 'ASPEN_STORAGE', '"redis"', 'sqlite or inmemory')
  refuses({ ASPEN_BASE_HTTP: '65534' }, 'ASPEN_BASE_HTTP', '65533')
  refuses({ ASPEN_BASE_RACTOR: '0' }, 'ASPEN_BASE_RACTOR')
  for (const cookie of [' x', 'a\u0001b', 'x'.repeat(1025)]) refuses({ ASPEN_COOKIE: cookie }, 'ASPEN_COOKIE')
})

test('readClusterSettings: refuses ports that two uses would share', () => {
  refuses({ ASPEN_BASE_HTTP: '30000', ASPEN_BASE_RACTOR: '30002' }, 'ASPEN_BASE_HTTP 30000', 'ASPEN_BASE_RACTOR 30002')
  assert.equal(readClusterSettings({ ASPEN_BASE_HTTP: '30000', ASPEN_BASE_RACTOR: '30003' }).baseRactor, 30_003)
})

test('readClusterSettings: takes an empty variable for an absent one', () => {
  const empty = { ASPEN_NODE_COUNT: '', ASPEN_STORAGE: '', ASPEN_BASE_HTTP: '', ASPEN_DATA_DIR: '', ASPEN_COOKIE: '' }
  assert.deepEqual(readClusterSettings(empty), readClusterSettings({}))
})

test('readClusterSettings: refuses misspelt variables, warns of those of machinery, and skips those of other programs', () => {
  refuses({ ASPEN_NODE_COUNTS: '3' }, 'ASPEN_NODE_COUNTS', 'did you mean ASPEN_NODE_COUNT?')
  assert.match(readClusterSettings({ ASPEN_SERVICE_HOST: '10.0.0.1' }).warnings.join(), /ASPEN_SERVICE_HOST/)
  assert.equal(readClusterSettings({ ASPEN_LOG_LEVEL: 'debug', ASPEN_NODE_COUNT: '1' }).nodeCount, 1)
})
