import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from './config-error.ts'
import { CLUSTER_SCRIPT_VARIABLES } from './environment-layer.ts'
import { completeConfig, loadConfig } from './load-config.ts'
import type { LoadedConfig } from './load-config.ts'
import type { NodeConfig } from './node-config.ts'
import { SAMPLES } from './config-samples.test.ts'
import { environmentName, flagName, SETTING_NAMES, SETTINGS } from './settings.ts'

const KEY = 'ab'.repeat(32)
const OTHER_KEY = '0c'.repeat(32)

interface Given {
  readonly argv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

function load({ argv = [], env = {}, files = {} }: Given): LoadedConfig {
  const readFile = (path: string): string => {
    const text = files[path]
    if (text === undefined) throw new Error('ENOENT: no such file')
    return text
  }
  return loadConfig({ argv, env, readFile })
}

function run(given: Given): { readonly config: NodeConfig; readonly warnings: readonly string[] } {
  const loaded = load(given)
  assert(loaded.kind === 'run')
  return loaded
}

/** The configuration of node 1 with further flags. */
const withFlags = (...argv: string[]): NodeConfig => run({ argv: ['--node-id', '1', ...argv] }).config

function refusal(given: Given): string {
  try {
    load(given)
  } catch (error) {
    assert(error instanceof ConfigError, String(error))
    return error.message
  }
  return assert.fail(`not refused: ${JSON.stringify(given)}`)
}

function assertRefused(given: Given, ...parts: readonly string[]): void {
  const message = refusal(given)
  for (const part of parts) assert(message.includes(part), `"${message}" does not say "${part}"`)
}

interface Choice {
  readonly field: keyof NodeConfig
  /** Position of the sample that the environment, the file and the command line give; undefined: they say nothing. */
  readonly layers: readonly (number | undefined)[]
}

const choices: fc.Arbitrary<readonly Choice[]> = fc.tuple(
  ...SETTINGS.map(({ field }) => {
    const sample = fc.option(fc.nat(SAMPLES[field].length - 1), { nil: undefined })
    const layers = fc.tuple(sample, sample, field === 'nodeId' ? fc.constant(0) : sample)
    return layers.map((given): Choice => ({ field, layers: given }))
  }),
)

function tomlLine(name: string, form: string, text: string): string {
  if (form === 'integer' || form === 'boolean') return `${name} = ${text}\n`
  if (form === 'list') return `${name} = [${text === '' ? '' : JSON.stringify(text.split(',')).slice(1, -1)}]\n`
  return `${name} = ${JSON.stringify(text)}\n`
}

/** Spells the choices out in the three layers, together with what must come of them. */
function spell(all: readonly Choice[]): { readonly given: Given; readonly expected: Partial<Record<string, unknown>> } {
  const env: Record<string, string> = {}
  const argv: string[] = ['--config', 'node.toml']
  const expected: Record<string, unknown> = {}
  let toml = ''
  for (const { field, layers } of all) {
    const { name, parser } = SETTINGS.find((setting) => setting.field === field)!
    const [inEnv, inFile, inArgs] = layers.map((at) => (at === undefined ? undefined : SAMPLES[field][at]))
    if (inEnv !== undefined) env[environmentName(name)] = inEnv[0]
    if (inFile !== undefined) toml += tomlLine(name, parser.form, inFile[0])
    if (inArgs !== undefined) argv.push(`--${flagName(name)}=${inArgs[0]}`)
    const winner = inArgs ?? inFile ?? inEnv
    if (winner !== undefined) expected[field] = winner[1]
  }
  return { given: { argv, env, files: { 'node.toml': toml } }, expected }
}

test('loadConfig: the highest layer that gives a setting wins, whatever it gives, for every setting', () => {
  fc.assert(
    fc.property(choices, (all) => {
      const { given, expected } = spell(all)
      const { config } = run(given)
      for (const { field, default: preset } of SETTINGS) {
        if (field === 'dataDir' && !(field in expected)) assert.equal(config.dataDir, `./data/node-${config.nodeId}`)
        else assert.deepEqual(config[field], field in expected ? expected[field] : preset, field)
      }
    }),
    { numRuns: 300 },
  )
})

test("loadConfig: gives the specification's defaults when only the node id is given", () => {
  const config = withFlags()
  assert.equal(config.dataDir, './data/node-1')
  assert.equal(config.storageBackend, 'Sqlite')
  assert.deepEqual(config.httpAddr, { host: '127.0.0.1', port: 8080 })
  assert.equal(config.ractorPort, 26_000)
  assert.equal(config.cookie, 'aspen-cookie')
  assert.deepEqual([config.heartbeatIntervalMs, config.electionTimeoutMinMs, config.electionTimeoutMaxMs], [500, 1_500, 3_000])
  assert.equal(config.raftMailboxCapacity, 1_000)
  assert.deepEqual(
    [config.enableGossip, config.enableMdns, config.enableDnsDiscovery, config.enablePkarr],
    [true, true, false, false],
  )
  const { maxRestartCount, restartWindowSecs, actorStabilityDurationSecs } = config
  assert.deepEqual([maxRestartCount, restartWindowSecs, actorStabilityDurationSecs], [3, 600, 300])
  assert.deepEqual([config.circuitOpenDurationSecs, config.halfOpenStabilityDurationSecs], [300, 120])
  assert.deepEqual([config.httpToken, config.insecure, config.transport], [null, false, 'auto'])
})

test('loadConfig: needs a node id', () => {
  assertRefused({}, 'node_id', '--node-id', 'ASPEN_NODE_ID')
})

test('loadConfig: refuses a variable that looks like a misspelt setting, and names what was meant', () => {
  const misspelt = {
    ASPEN_NODE_IDS: 'ASPEN_NODE_ID',
    ASPEN_DATADIR: 'ASPEN_DATA_DIR',
    ASPEN_COOKEI: 'ASPEN_COOKIE',
    ASPEN_HEARTBEAT_INTERVAL: 'ASPEN_HEARTBEAT_INTERVAL_MS',
    ASPEN_http_addr: 'ASPEN_HTTP_ADDR',
  }
  for (const [name, meant] of Object.entries(misspelt)) {
    assertRefused({ argv: ['--node-id', '1'], env: { [name]: '1' } }, `environment variable ${name}`, `did you mean ${meant}?`)
  }
})

/** What a container runtime gives every container beside a service of that name. */
function serviceLinks(service: string): Record<string, string> {
  const name = service.toUpperCase().replaceAll('-', '_')
  return {
    [`${name}_SERVICE_HOST`]: '10.0.0.7',
    [`${name}_SERVICE_PORT`]: '26000',
    [`${name}_SERVICE_PORT_HTTP`]: '8080',
    [`${name}_PORT`]: 'tcp://10.0.0.7:26000',
    [`${name}_PORT_26000_TCP`]: 'tcp://10.0.0.7:26000',
    [`${name}_PORT_26000_TCP_PROTO`]: 'tcp',
    [`${name}_PORT_26000_TCP_PORT`]: '26000',
    [`${name}_PORT_26000_TCP_ADDR`]: '10.0.0.7',
  }
}

test('loadConfig: is not stopped by what a container runtime injects for a service of any name', () => {
  // The first word or two of every setting: a service called like that comes closest to one.
  const words = SETTING_NAMES.flatMap(({ name }) => name.split('_').map((_, end, all) => all.slice(0, end + 1).join('-')))
  for (const service of ['aspen', ...new Set(words.map((word) => `aspen-${word}`))]) {
    const env = serviceLinks(service)
    const { config, warnings } = run({ argv: ['--node-id', '1', '--ractor-port', '5'], env })
    assert.equal(config.ractorPort, 5)
    assert.equal(warnings.length, 1, warnings.join())
    for (const name of Object.keys(env)) assert(warnings.join().includes(name), warnings.join())
    assert.equal(run({ argv: ['--node-id', '1'], env }).config.ractorPort, 26_000)
  }
})

test('loadConfig: names in one warning all variables that begin with ASPEN_ and are no setting', () => {
  const { warnings } = run({ argv: ['--node-id', '1'], env: { ASPEN_HOME: '/opt', ASPEN_TEAM: 'blue', ASPEN_EMPTY: '' } })
  assert.deepEqual(warnings, ['environment variables ASPEN_HOME, ASPEN_TEAM: no setting of Aspen, not used'])
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`ASPEN_X${i}_OF_OTHERS`, '1']))
  assert(run({ argv: ['--node-id', '1'], env: many }).warnings.join().length < 1_000)
})

test('loadConfig: takes an empty variable for an absent one, for every setting', () => {
  for (const { name } of SETTING_NAMES.filter(({ name }) => name !== 'node_id')) {
    const env = { [environmentName(name)]: '', ASPEN_CONFIG: '' }
    assert.deepEqual(run({ argv: ['--node-id', '1'], env }), run({ argv: ['--node-id', '1'] }))
  }
})

test('loadConfig: takes a switch in any usual spelling', () => {
  for (const [text, value] of [
    ['1', true],
    ['TRUE', true],
    ['Yes', true],
    ['on', true],
    ['0', false],
    ['False', false],
    ['no', false],
    ['OFF', false],
  ] as const) {
    assert.equal(run({ argv: ['--node-id', '1'], env: { ASPEN_INSECURE: text } }).config.insecure, value)
    assert.equal(withFlags(`--insecure=${text}`).insecure, value)
  }
})

test('loadConfig: names the setting that does nothing, and where it came from', () => {
  const argv = ['--node-id', '1', '--enable-dns-discovery', '--no-enable-gossip']
  const { warnings } = run({ argv })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /^flag --enable-dns-discovery has no effect without names/)
  assert.deepEqual(run({ argv, env: { ASPEN_DNS_DISCOVERY_URL: '_aspen._tcp.example.org' } }).warnings, [])
})

test('loadConfig: skips the variables of other programs', () => {
  const env = Object.fromEntries(CLUSTER_SCRIPT_VARIABLES.map((name) => [name, 'whatever']))
  const { config } = run({ argv: ['--node-id', '1'], env: { ...env, PATH: '/bin' } })
  assert.equal(config.cookie, 'whatever')
  assert.equal(config.storageBackend, 'Sqlite')
})

test('loadConfig: names source, value and what is allowed when a value is wrong', () => {
  const wrong: readonly (readonly [name: string, text: string, allowed: string])[] = [
    ['node_id', '0', 'from 1'],
    ['node_id', '1.5', 'whole number'],
    ['node_id', '9007199254740992', 'from 1'],
    ['disk_reserve_mib', '63', 'MiB from 64'],
    ['ractor_port', '65536', '0 to 65535'],
    ['ractor_port', '-1', '0 to 65535'],
    ['http_addr', '8080', 'host:port'],
    ['storage_backend', 'rocksdb', 'Sqlite, InMemory, Redb'],
    ['transport', 'udp', 'auto, iroh, direct'],
    ['raft_mailbox_capacity', '10001', 'to 10000'],
    ['raft_mailbox_capacity', '0', 'from 1'],
    ['heartbeat_interval_ms', '0', 'milliseconds from 1'],
    ['peers', '2@abc', 'ID@ENDPOINT_ID[:HINT]'],
    ['enable_mdns', 'maybe', 'true or false'],
    ['log_level', 'loud', 'trace, debug'],
    ['advertise_addr', 'h:0', 'port from 1'],
    ['advertise_addr', 'h:1,h', 'host:port'],
    ['ractor_host', 'a host', 'IP address'],
    ['http_allowed_hosts', 'http://x', 'without ports'],
    ['data_dir', '', 'path'],
  ]
  for (const [name, text, allowed] of wrong) {
    const flag = `--${flagName(name)}`
    assertRefused({ argv: [`${flag}=${text}`] }, `flag ${flag}`, JSON.stringify(text), allowed)
    const variable = environmentName(name)
    // An empty variable is an absent one.
    if (text !== '')
      assertRefused({ env: { [variable]: text } }, `environment variable ${variable}`, JSON.stringify(text), allowed)
    const files = { 'a.toml': `${name} = ${JSON.stringify(text)}` }
    assertRefused({ argv: ['--config', 'a.toml'], files }, `file a.toml, key ${name}`, JSON.stringify(text), allowed)
  }
})

test('loadConfig: warns of what is wrong in a layer that does not count, and refuses the same where it does', () => {
  const inFile = (text: string): Given => ({ argv: ['--config', 'n.toml'], files: { 'n.toml': text } })
  const cases: readonly (readonly [wrong: Given, right: readonly string[]])[] = [
    [{ env: { ASPEN_RACTOR_PORT: 'x' } }, ['--ractor-port', '1']],
    [{ env: { ASPEN_COOKIE_FILE: 'gone' } }, ['--cookie', 'own']],
    [{ env: { ASPEN_COOKIE: 'a', ASPEN_COOKIE_FILE: 'b' } }, ['--cookie', 'own']],
    [inFile('ractor_port = 70000'), ['--ractor-port', '1']],
    [inFile('enable_mdns = "maybe"'), ['--no-enable-mdns']],
  ]
  for (const [wrong, right] of cases) {
    const argv = ['--node-id', '1', ...(wrong.argv ?? [])]
    const { warnings } = run({ ...wrong, argv: [...argv, ...right] })
    assert.equal(warnings.length, 1, JSON.stringify(wrong))
    assert.match(warnings[0]!, /it is not used, because flag --[a-z-]+ gives /)
    refusal({ ...wrong, argv })
  }
  const { config, warnings } = run({ ...inFile('node_id = 1\nractor_port = 1'), env: { ASPEN_RACTOR_PORT: '-1' } })
  assert.equal(config.ractorPort, 1)
  assert.match(warnings[0]!, /because file n.toml, key ractor_port gives ractor_port/)
})

test('loadConfig: never repeats a secret in a message', () => {
  const secret = 'hush\u0007hush'
  for (const name of ['cookie', 'http_token']) {
    assert(!refusal({ argv: [`--${flagName(name)}=${secret}`] }).includes('hush'))
    assert(!refusal({ env: { [environmentName(name)]: secret } }).includes('hush'))
    assert(!refusal({ argv: [`--${flagName(name)}`, '-hush'] }).includes('hush'))
    assert(!refusal({ argv: [`--${flagName(name)}-file`, 'f'], files: { f: secret } }).includes('hush'))
  }
})

test('loadConfig: refuses flags it does not know, stray words, missing and doubled values', () => {
  const one = ['--node-id', '1']
  assertRefused({ argv: [...one, '--nodeid', '1'] }, 'flag --nodeid is not known: did you mean --node-id?')
  assertRefused({ argv: [...one, '--no-such'] }, 'flag --no-such is not known')
  assertRefused({ argv: [...one, '-x'] }, 'flag -x is not known')
  assertRefused({ argv: [...one, 'start'] }, 'argument "start"')
  assertRefused({ argv: [...one, '--', '--cookie'] }, 'argument "--cookie"')
  assertRefused({ argv: ['--node-id'] }, 'flag --node-id needs a value')
  assertRefused({ argv: ['--node-id', '--insecure'] }, 'flag --node-id needs a value')
  assertRefused({ argv: [...one, ...one] }, 'flag --node-id is given twice')
  assertRefused({ argv: [...one, '--no-node-id'] }, 'flag --no-node-id')
  assertRefused({ argv: [...one, '--enable-mdns', '--no-enable-mdns'] }, 'flag --enable-mdns is given twice')
  assertRefused({ argv: [...one, '--no-enable-mdns=true'] }, 'flag --no-enable-mdns takes no value')
  assertRefused({ argv: [...one, '--config', 'a', '--config', 'b'] }, 'flag --config is given twice')
  assertRefused({ argv: [...one, '--config'] }, 'flag --config needs a value')
})

test('loadConfig: takes switches as --x, --no-x and --x=false', () => {
  assert.equal(withFlags('--no-enable-mdns').enableMdns, false)
  assert.equal(withFlags('--enable-mdns=false').enableMdns, false)
  assert.equal(withFlags('--enable-pkarr').enablePkarr, true)
  assert.equal(withFlags('--enable-pkarr=true').enablePkarr, true)
})

test('loadConfig: takes a list from repeated flags and from commas', () => {
  const config = withFlags('--peers', `2@${KEY}`, '--peers', `3@${OTHER_KEY}:h:1,2@${KEY}:h:2`)
  assert.deepEqual(
    config.peers.map(({ nodeId, addresses }) => [nodeId, addresses]),
    [
      [2, ['h:2']],
      [3, ['h:1']],
    ],
  )
})

test("loadConfig: skips this node's own entry among the peers", () => {
  const peers = withFlags('--peers', `1@${KEY},2@${OTHER_KEY}`).peers
  assert.deepEqual(
    peers.map(({ nodeId }) => nodeId),
    [2],
  )
})

test('loadConfig: refuses peers that contradict each other', () => {
  assertRefused(
    { argv: ['--node-id', '1', '--peers', `2@${KEY},2@${OTHER_KEY}`] },
    'flag --peers',
    'two endpoint ids',
    KEY,
    OTHER_KEY,
  )
  assertRefused({ argv: ['--node-id', '1', '--peers', `2@${KEY},3@${KEY}`] }, 'flag --peers', 'peers 2 and 3', KEY)
})

test('loadConfig: refuses election timeouts and heartbeats at odds, and names both sources', () => {
  const one = ['--node-id', '1']
  const atOdds = { argv: [...one, '--election-timeout-min-ms', '3000'] }
  assertRefused(
    atOdds,
    'election_timeout_min_ms is 3000 (flag --election-timeout-min-ms)',
    'election_timeout_max_ms is 3000 (default)',
  )
  const env = { ASPEN_HEARTBEAT_INTERVAL_MS: '1500' }
  assertRefused(
    { argv: one, env },
    'heartbeat_interval_ms is 1500 (environment variable ASPEN_HEARTBEAT_INTERVAL_MS)',
    '(default)',
  )
})

test('loadConfig: refuses one port for HTTP and for links', () => {
  const argv = ['--node-id', '1', '--ractor-port', '8080']
  assertRefused({ argv }, 'http_addr (default)', 'ractor_port (flag --ractor-port)', 'port 8080 of 127.0.0.1')
  assert.equal(withFlags('--ractor-port', '0', '--http-addr', '127.0.0.1:0').ractorPort, 0)
})

test('loadConfig: takes a secret from a file, trimmed, by the same precedence', () => {
  const files = { c: ' from file \n', 'n.toml': 'cookie = "from toml"' }
  const argv = ['--node-id', '1', '--config', 'n.toml']
  assert.equal(run({ argv: [...argv, '--cookie-file', 'c'], files }).config.cookie, 'from file')
  assert.equal(run({ argv, env: { ASPEN_COOKIE_FILE: 'c' }, files }).config.cookie, 'from toml')
  assert.equal(run({ argv: ['--node-id', '1', '--http-token-file', 't'], files: { t: 'abc\n' } }).config.httpToken, 'abc')
})

test('loadConfig: refuses a secret given twice in one layer, an empty file and an absent one', () => {
  const argv = ['--node-id', '1']
  assertRefused({ argv, env: { ASPEN_COOKIE: 'a', ASPEN_COOKIE_FILE: 'c' } }, 'ASPEN_COOKIE and', 'ASPEN_COOKIE_FILE contradict')
  assertRefused({ argv: [...argv, '--cookie-file', 'c'], files: { c: '\n' } }, 'flag --cookie-file, file c')
  assertRefused({ argv: [...argv, '--cookie-file', 'c'] }, 'flag --cookie-file', 'c cannot be read', 'ENOENT')
  assertRefused({ argv: [...argv, '--cookie-file', ''] }, 'flag --cookie-file')
})

test('loadConfig: binds to loopback only while the cookie is the default one', () => {
  const argv = ['--node-id', '1']
  assertRefused({ argv: [...argv, '--ractor-host', '0.0.0.0'] }, 'ractor_host is 0.0.0.0', 'flag --ractor-host', '--cookie-file')
  assertRefused({ argv: [...argv, '--http-addr', '[::]:80', '--insecure'] }, 'http_addr is ::', 'cookie')
  assertRefused({ argv: [...argv, '--cookie', 'aspen-cookie', '--ractor-host', 'node-1'] }, 'ractor_host')
  assert.equal(withFlags('--cookie', 'own', '--ractor-host', '0.0.0.0').ractorHost, '0.0.0.0')
})

test('loadConfig: needs a token or --insecure for HTTP beyond loopback', () => {
  const argv = ['--node-id', '1', '--cookie', 'own', '--http-addr', '0.0.0.0:80']
  assertRefused({ argv }, 'http_addr is 0.0.0.0', '--http-token-file', '--insecure')
  assert.equal(run({ argv: [...argv, '--insecure'] }).config.insecure, true)
  assert.equal(run({ argv: [...argv, '--http-token', 'abc'] }).config.httpToken, 'abc')
})

test('loadConfig: takes Redb for Sqlite and warns, wherever it wins', () => {
  const { config, warnings } = run({ argv: ['--node-id', '1', '--storage-backend', 'REDB'] })
  assert.equal(config.storageBackend, 'Sqlite')
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, /flag --storage-backend: REDB is deprecated/)
  const overruled = run({ argv: ['--node-id', '1', '--storage-backend', 'sqlite'], env: { ASPEN_STORAGE_BACKEND: 'Redb' } })
  assert.deepEqual(overruled.warnings, [])
})

test('loadConfig: reads the file that ASPEN_CONFIG names unless --config names another', () => {
  const files = { 'env.toml': 'node_id = 5', 'flag.toml': 'node_id = 6' }
  assert.equal(run({ env: { ASPEN_CONFIG: 'env.toml' }, files }).config.nodeId, 5)
  assert.equal(run({ argv: ['--config', 'flag.toml'], env: { ASPEN_CONFIG: 'env.toml' }, files }).config.nodeId, 6)
  assertRefused({ env: { ASPEN_CONFIG: 'gone.toml' } }, 'environment variable ASPEN_CONFIG', 'gone.toml')
  assertRefused({ argv: ['--config', ''] }, 'flag --config')
})

test('loadConfig: names file, line and key of what is wrong in TOML', () => {
  const inFile = (text: string): Given => ({ argv: ['--config', 'n.toml'], files: { 'n.toml': text } })
  assertRefused(inFile('node_id = 1\ncookie ='), 'file n.toml, line 2')
  assertRefused(inFile('node_id = 1\nnode_id = 2'), 'file n.toml, line 2')
  assertRefused(inFile('nodeid = 1'), 'file n.toml, key nodeid is not a setting: did you mean node_id?')
  assertRefused(inFile('[raft]\nnode_id = 1'), 'file n.toml, key raft', 'not in tables')
  assertRefused(inFile('__proto__ = 1'), 'key __proto__')
  assertRefused(inFile('node_id = 1.0'), 'key node_id', 'not an integer')
  assertRefused(inFile('enable_mdns = "true"'), 'key enable_mdns', 'not a boolean')
  assertRefused(inFile('peers = [1]'), 'key peers', 'not an array of strings')
  assertRefused(inFile('data_dir = 1979-05-27'), 'key data_dir', 'not a string')
})

test('loadConfig: answers --help and --version before it looks at anything else', () => {
  const env = { ASPEN_NONSENSE: '1' }
  for (const word of ['--version', '-v', '-V', 'version']) assert.equal(load({ argv: [word, '--nonsense'], env }).kind, 'version')
  assert.equal(load({ argv: ['help'], env }).kind, 'help')
  const help = load({ argv: ['-h', '--node-id', '0'], env })
  assert(help.kind === 'help')
  for (const { name } of SETTING_NAMES) assert(help.text.includes(`--${flagName(name)}`), name)
  for (const line of help.text.split('\n')) assert(line.length <= 110, line)
})

test('loadConfig: has a name of its own for every setting in every layer', () => {
  const names = SETTING_NAMES.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  assert.deepEqual(Object.keys(SAMPLES).toSorted(), SETTINGS.map(({ field }) => field).toSorted())
  assert(names.includes('half_open_stability_duration_secs'))
  assert(names.includes('cookie_file'))
})

test('completeConfig: fills in defaults and checks what it is given', () => {
  const config = completeConfig({ nodeId: 3, heartbeatIntervalMs: 50, enableMdns: false })
  assert.deepEqual(config, { ...run({ argv: ['--node-id', '3', '--heartbeat-interval-ms=50', '--no-enable-mdns'] }).config })
  assert.throws(() => completeConfig({ nodeId: 0 }), /option nodeId/)
  assert.throws(() => completeConfig({ nodeId: 1, ractorPort: 70_000 }), /option ractorPort: 70000/)
  assert.throws(() => completeConfig({ nodeId: 1, electionTimeoutMaxMs: 100 }), /electionTimeoutMaxMs is 100 \(option/)
})
