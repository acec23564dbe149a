import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KvServiceBuilder } from '../kv-service-builder.ts'
import { AspenNode } from '../aspen-node.ts'
import { ConfigError } from './config-error.ts'
import { checkOptions, completeConfig, loadConfig } from './load-config.ts'
import type { NodeConfig } from './node-config.ts'
import { SETTINGS } from './settings.ts'
import type { Setting } from './settings.ts'

const KEY = 'ab'.repeat(32)

/** A value of every type that JavaScript has, and some that look like others. */
const ANY_TYPE: readonly unknown[] = [
  null,
  true,
  '',
  '1',
  'in-memory',
  'ünknown\u0000',
  -1,
  0.5,
  NaN,
  Infinity,
  2 ** 53,
  1n,
  Symbol('x'),
  () => 1,
  [],
  [1],
  [null],
  ['a,b'],
  [' a'],
  {},
  { host: 'h' },
  { host: '[::1]', port: 1 },
  { host: 'h', port: '1' },
  { host: 'h', port: 1, more: 1 },
  new Date(0),
  new Map(),
  Buffer.from('x'),
  Object.create(null),
  new Proxy({}, {}),
]

/** Values that are right for the type of a setting, before its range is looked at. */
function hasType({ parser, default: preset }: Setting, value: unknown): boolean {
  if (value === null) return preset === null
  if (parser.form === 'integer') return typeof value === 'number'
  if (parser.form === 'boolean') return typeof value === 'boolean'
  if (parser.form === 'list') return Array.isArray(value)
  return parser.allowedValue === undefined ? typeof value === 'string' : typeof value === 'object'
}

function refusal(settings: unknown): string {
  try {
    checkOptions(settings as NodeConfig)
  } catch (error) {
    assert(error instanceof ConfigError, String(error))
    return error.message
  }
  return assert.fail(`not refused`)
}

test('checkOptions: refuses a value of any other type, for every setting, and names the option', () => {
  for (const setting of SETTINGS) {
    for (const value of ANY_TYPE.filter((each) => !hasType(setting, each))) {
      const message = refusal({ nodeId: 1, [setting.field]: value })
      assert(message.startsWith(`option ${setting.field}: `), message)
      assert(message.length < 600 && !message.includes('\n'), message)
    }
  }
})

test('checkOptions: takes a value of the right type exactly as the command line takes its text', () => {
  for (const setting of SETTINGS) {
    for (const value of ANY_TYPE.filter((each) => each !== null && hasType(setting, each))) {
      const { parser, field } = setting
      if (typeof value !== 'string' && typeof value !== 'number') continue
      const parsed = parser.parse(String(value))
      if (parsed === undefined) assert.match(refusal({ nodeId: 1, [field]: value }), new RegExp(`^option ${field}: `))
      else assert.deepEqual(parser.take(value), parsed)
    }
  }
})

test('checkOptions: refuses a name that is nearly right, for every setting, and says which was meant', () => {
  for (const { field, name } of SETTINGS) {
    const wrong = [`${field}s`, field.slice(0, -1), field.toLowerCase(), `${field[1]}${field[0]}${field.slice(2)}`]
    for (const near of wrong.filter((each) => each !== field)) {
      const message = refusal({ nodeId: 1, [near]: undefined })
      assert(message.includes(`option "${near}" is not known: did you mean `), message)
    }
    assert(refusal({ nodeId: 1, [near(field)]: 1 }).includes(`did you mean ${field}?`))
    if (name !== field) assert(refusal({ nodeId: 1, [name]: 1 }).includes(`option "${name}" is not known`))
  }
})

/** A spelling that no other setting is as near to. */
function near(field: string): string {
  return field.toLowerCase() === field ? `${field}_` : field.toLowerCase()
}

test('checkOptions: refuses what is no object, and the lack of a node id', () => {
  for (const value of [undefined, null, 1, 'nodeId=1', [], [1]]) assert.match(refusal(value), /the settings of a node are /)
  assert.match(refusal({}), /option nodeId is missing/)
  assert.match(refusal({ nodeId: undefined }), /option nodeId is missing/)
})

test('checkOptions: spells words as the command line does', () => {
  assert.equal(completeConfig({ nodeId: 1, storageBackend: 'inmemory' as 'InMemory' }).storageBackend, 'InMemory')
  assert.match(refusal({ nodeId: 1, storageBackend: 'in-memory' }), /Sqlite, InMemory/)
})

test('checkOptions: takes peers as objects, and refuses one with anything wrong', () => {
  const peer = { nodeId: 2, endpointId: KEY, addresses: ['h:1'], relay: null }
  const { endpointId, ...keyless } = peer
  assert.deepEqual(completeConfig({ nodeId: 1, peers: [{ ...peer, endpointId: endpointId.toUpperCase() }] }).peers, [peer])
  const viaRelay = { ...peer, relay: 'https://relay.example' }
  assert.deepEqual(completeConfig({ nodeId: 1, peers: [viaRelay] }).peers, [viaRelay])
  for (const wrong of [
    `2@${KEY}:h:1`,
    keyless,
    { ...peer, nodeId: '2' },
    { ...peer, nodeId: 0 },
    { ...peer, endpointId: 'x' },
    { ...peer, addresses: 'h:1' },
    { ...peer, addresses: ['h'] },
    { ...peer, addresses: ['h:0'] },
    { ...peer, addresses: ['https://relay.example'] },
    { ...peer, relay: 'h:1' },
    { ...peer, relay: 1 },
    { ...peer, address: 'h:1' },
  ]) {
    assert.match(refusal({ nodeId: 1, peers: [wrong] }), /^option peers: /)
  }
})

test('checkOptions: shows no secret', () => {
  for (const field of ['cookie', 'httpToken']) assert(!refusal({ nodeId: 1, [field]: ['hush', 'hush'] }).includes('hush'))
})

test('checkOptions: warns of settings that do nothing', () => {
  const warned = (given: Partial<NodeConfig>): string => checkOptions({ nodeId: 1, ...given }).warnings.join('\n')
  assert.match(warned({ enableDnsDiscovery: true }), /^option enableDnsDiscovery has no effect without names to look up: .*$/)
  assert.match(warned({ dnsDiscoveryUrl: ['a.example'] }), /^option dnsDiscoveryUrl has no effect without enable_dns_discovery$/)
  assert.equal(warned({ enableDnsDiscovery: true, dnsDiscoveryUrl: ['a.example'] }), '')
  const nowhere = 'option enablePkarr publishes nothing and finds nobody: give pkarr_relay_url, pkarr_dht_bootstrap, or both'
  assert.equal(warned({ enablePkarr: true }), nowhere)
  assert.equal(warned({ pkarrRelayUrl: 'https://a.example' }), 'option pkarrRelayUrl has no effect without enable_pkarr')
  assert.equal(warned({ pkarrDhtBootstrap: ['a.example:1'] }), 'option pkarrDhtBootstrap has no effect without enable_pkarr')
  assert.equal(warned({ enablePkarr: true, pkarrDhtBootstrap: ['a.example:1'] }), '')
  assert.equal(warned({ enablePkarr: true, pkarrRelayUrl: 'https://a.example' }), '')
  assert.deepEqual(checkOptions({ nodeId: 1 }).warnings, [])
})

test('AspenNode.start, KvServiceBuilder: refuse wrong settings and dependencies before they open anything', async () => {
  const untyped = (value: unknown): never => value as never
  await assert.rejects(AspenNode.start(untyped({ nodeId: 1, datadir: 'x' })), {
    name: 'ConfigError',
    message: /did you mean dataDir/,
  })
  await assert.rejects(AspenNode.start(untyped(undefined)), { name: 'ConfigError' })
  await assert.rejects(new KvServiceBuilder(untyped('1')).start(), { name: 'ConfigError', message: /^option nodeId: "1"/ })
  await assert.rejects(new KvServiceBuilder(1).with(untyped({ cookies: 'x' })).start(), /did you mean cookie\?/)
  for (const [name, value] of [
    ['logger', { info() {} }],
    ['logger', 1],
    ['metrics', {}],
    ['onFatal', 'exit'],
    ['onfatal', () => 1],
  ] as const) {
    const start = AspenNode.start({ nodeId: 1, storageBackend: 'InMemory' }, untyped({ [name]: value }))
    await assert.rejects(start, (error) => error instanceof ConfigError && error.message.includes(name))
  }
  await assert.rejects(AspenNode.start({ nodeId: 1 }, untyped(null)), { name: 'ConfigError' })
})

test('checkOptions, loadConfig: say that peers without an address, and relays without iroh, have no effect', () => {
  const [two, three] = ['ab'.repeat(32), 'cd'.repeat(32)]
  const peers = [
    { nodeId: 2, endpointId: two, addresses: [] },
    { nodeId: 3, endpointId: three, addresses: ['127.0.0.1:1'], relay: 'https://relay.example' },
  ]
  const { warnings } = checkOptions({ nodeId: 1, peers, transport: 'direct' })
  assert.equal(warnings.length, 2)
  assert.match(warnings[0] ?? '', /^option peers: peer 2 has no address.*no effect/)
  assert.match(warnings[1] ?? '', /^option peers: peer 3 has a relay.*no effect/)
  assert.equal(checkOptions({ nodeId: 1, peers }).warnings.length, 1, 'a relay is of use to iroh')
  const argv = ['--node-id', '1', '--peers', `2@${two}`]
  const loaded = loadConfig({ argv, env: {}, readFile: () => '' })
  assert.match(loaded.kind === 'run' ? (loaded.warnings[0] ?? '') : '', /^flag --peers: peer 2 has no address/)
})
