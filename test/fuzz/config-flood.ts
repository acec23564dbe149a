/** Command lines, environments and TOML files that are nearly right: a refusal that is a ConfigError, or a sound configuration. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { ConfigError, completeConfig, isLoopback, loadConfig } from '../../src/cluster/config/index.ts'
import type { ConfigSources, NodeConfig } from '../../src/cluster/config/index.ts'
import { environmentName, flagName, SETTING_NAMES, SETTINGS } from '../../src/cluster/config/settings.ts'
import { chance, pick, randomBetween, utf8Encode } from '../../src/lib/index.ts'
import type { Random } from '../../src/lib/index.ts'
import { flood, Tally } from './flood.ts'
import { mutateBytes, randomBytes } from './mutate-bytes.ts'

const SECRET = 'Tr0ub4dor'
const PEER = `2@${'ab'.repeat(32)}`
const FILES: Readonly<Record<string, string>> = { '/secret': `${SECRET}\n`, '/empty': '', '/binary': '\u0000\ufffd\n' }

/** By name: what a person means. */
const GOOD: Readonly<Record<string, readonly string[]>> = {
  node_id: ['1', '2', '9007199254740991'],
  data_dir: ['/tmp/x', './data'],
  storage_backend: ['Sqlite', 'inmemory', 'REDB'],
  cookie: [SECRET],
  cookie_file: ['/secret'],
  http_token: [SECRET],
  ticket: [`aspen${SECRET}`],
  ticket_file: ['/secret'],
  http_token_file: ['/secret'],
  ractor_host: ['127.0.0.1', '::1', 'localhost', '0.0.0.0'],
  ractor_port: ['0', '26000', '8080'],
  transport: ['auto', 'IROH', 'direct'],
  peers: [PEER, `${PEER}:10.0.0.1:26000`, `1@${'cd'.repeat(32)}:https://relay.example/`, ''],
  http_addr: ['127.0.0.1:8080', '[::1]:0', '0.0.0.0:80', 'node-1:8080'],
  http_allowed_hosts: ['*', 'a.example,b', ''],
  log_level: ['debug', 'INFO'],
  log_format: ['json', 'pretty'],
  insecure: ['true', 'false'],
}
const ODD = [
  '',
  ' ',
  '0',
  '-1',
  '1.0',
  '1e3',
  '0x10',
  '９',
  '007',
  '9007199254740992',
  '1'.repeat(400),
  'NaN',
  'true ',
  'TRUE',
  '[::1',
  '::1:80',
  '127.0.0.1:65536',
  '127.0.0.1:',
  ':80',
  '256.1.1.1',
  '1.2.3',
  'a..b',
  '-a',
  'x'.repeat(2000),
  '\u0000',
  'a\nb',
  '\ud800',
  '💥',
  `${PEER},${PEER}`,
  `0@${'ab'.repeat(32)}`,
  `3@${'AB'.repeat(32)}`,
  `2@${'ef'.repeat(32)}`,
  ',,,',
  '__proto__',
  '--node-id',
]

function valueFor(random: Random, name: string): string {
  if (chance(random, 0.06)) return pick(random, ODD)
  if (chance(random, 0.03)) return decode(mutateBytes(random, utf8Encode(goodValue(random, name)), utf8Encode('=:@,[]#"')))
  return goodValue(random, name)
}

function goodValue(random: Random, name: string): string {
  const good = GOOD[name]
  if (good !== undefined) return pick(random, good)
  if (name.startsWith('enable_')) return pick(random, ['true', 'false'])
  if (name === 'heartbeat_interval_ms') return String(randomBetween(random, 1, 400))
  if (name === 'election_timeout_min_ms') return String(randomBetween(random, 300, 1200))
  return String(randomBetween(random, 1, 3000))
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

function names(random: Random, most: number): string[] {
  return Array.from({ length: randomBetween(random, 0, most) }, () => pick(random, SETTING_NAMES).name)
}

function randomArgv(random: Random): string[] {
  const argv = chance(random, 0.95) ? ['--node-id', valueFor(random, 'node_id')] : []
  for (const name of names(random, 4)) {
    const flag = `--${flagName(name)}`
    const value = valueFor(random, name)
    const isSwitch = name.startsWith('enable_') || name === 'insecure'
    if (isSwitch) argv.push(pick(random, [flag, `--no-${flag.slice(2)}`, `${flag}=${value}`]))
    else if (chance(random, 0.5)) argv.push(`${flag}=${value}`)
    else argv.push(flag, value)
  }
  if (chance(random, 0.3)) argv.push('--config', pick(random, ['/config.toml', '/config.toml', '/missing', '']))
  if (chance(random, 0.03))
    argv.push(pick(random, ['--', '-', '-h', '-V', '-hV', '--no-config', '--no-help', '--=', '--__proto__=1', '-x']))
  return argv
}

function randomEnv(random: Random): Record<string, string> {
  const env: Record<string, string> = { PATH: '/bin', ASPEN_NODE_COUNT: '3' }
  for (const name of names(random, 3)) env[environmentName(name)] = valueFor(random, name)
  if (chance(random, 0.02)) env[pick(random, ['ASPEN_', 'ASPEN_NODEID', 'ASPEN___PROTO__', 'ASPEN_CONFIG'])] = pick(random, ODD)
  return env
}

function tomlValue(random: Random, name: string): string {
  const value = valueFor(random, name)
  const odd = [`[${value}]`, '{}', '1979-05-27T07:32:00Z', '1.5', 'inf', '99999999999999999999', '"""x"""', '[[1],[2]]', '0b1']
  if (chance(random, 0.04)) return pick(random, odd)
  if (name === 'peers' || name === 'http_allowed_hosts') return JSON.stringify(value.split(','))
  return /^(\d+|true|false)$/.test(value) && !/cookie|token|host/.test(name) ? value : JSON.stringify(value)
}

function randomToml(random: Random): string {
  const lines = [...new Set(names(random, 4))].map((name) => `${name} = ${tomlValue(random, name)}`)
  if (chance(random, 0.05))
    lines.push(pick(random, ['[table]', '[[list]]', '__proto__ = 1', 'a.b.c = 1', '"" = 1', `x = ${'['.repeat(5000)}`]))
  return lines.join('\n')
}

interface Input {
  readonly sources: ConfigSources
  /** Whether secrets stand only where secrets belong. */
  readonly wellFormed: boolean
}

function randomInput(random: Random): Input {
  let argv = randomArgv(random)
  let toml = randomToml(random)
  const wellFormed = !chance(random, 0.3)
  if (!wellFormed) {
    if (chance(random, 0.3)) argv = argv.toSorted(() => (chance(random, 0.5) ? 1 : -1))
    if (chance(random, 0.3))
      argv = argv.map((word) =>
        chance(random, 0.2) ? decode(mutateBytes(random, utf8Encode(word.toWellFormed()), utf8Encode('--='))) : word,
      )
    if (chance(random, 0.1)) argv.push(decode(randomBytes(random, 20)))
    toml = chance(random, 0.1)
      ? decode(randomBytes(random, 200))
      : decode(mutateBytes(random, utf8Encode(toml), utf8Encode('= [ ] "" \n#')))
  }
  const files: Record<string, string> = { ...FILES, '/config.toml': toml }
  const readFile = (path: string): string => {
    const text = Object.hasOwn(files, path) ? files[path] : undefined
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' })
    return text
  }
  return { sources: { argv, env: randomEnv(random), readFile }, wellFormed }
}

/** Everything that the rest of the program takes for granted. */
function checkSound(config: NodeConfig): void {
  assert.deepEqual(Object.keys(config).toSorted(), SETTINGS.map(({ field }) => field as string).toSorted())
  for (const { field, parser, default: preset } of SETTINGS) {
    const value = config[field]
    if (value === null) assert.equal(preset, null, field)
    else if (field !== 'peers') assert.deepEqual(parser.parse(parser.format(value)), value, field)
  }
  const { nodeId, heartbeatIntervalMs, electionTimeoutMinMs, electionTimeoutMaxMs, httpAddr, ractorHost, peers } = config
  assert.ok(Number.isSafeInteger(nodeId) && nodeId > 0)
  assert.ok(heartbeatIntervalMs < electionTimeoutMinMs && electionTimeoutMinMs < electionTimeoutMaxMs)
  assert.ok(peers.every((peer) => peer.nodeId !== nodeId && /^[0-9a-f]{64}$/.test(peer.endpointId)))
  assert.equal(new Set(peers.map((peer) => peer.nodeId)).size, peers.length)
  const exposed = [httpAddr.host, ractorHost].some((host) => !isLoopback(host))
  assert.ok(!exposed || config.cookie !== 'aspen-cookie', 'a known cookie is exposed')
  const isGuarded = config.httpToken !== null || config.httpTokensFile !== null
  assert.ok(isLoopback(httpAddr.host) || isGuarded || config.insecure, 'an open port is exposed')
  // A copy, which nobody has checked yet.
  assert.deepEqual(completeConfig({ ...config }), config)
}

function checkInput({ sources, wellFormed }: Input, tally: Tally): void {
  try {
    const loaded = loadConfig(sources)
    tally.add(loaded.kind)
    if (loaded.kind !== 'run') return
    checkSound(loaded.config)
    if (wellFormed) assert.ok(!loaded.warnings.some((warning) => warning.includes(SECRET)), loaded.warnings.join())
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      const file = sources.readFile('/config.toml')
      throw new Error(`${JSON.stringify({ ...sources, file })}: ${String(error)}`, { cause: error })
    }
    tally.add('refused')
    assert.ok(error.message.length > 20)
    // What is given twice, or with a dash in front, is named and not shown; so is what is wrong.
    if (wellFormed && !error.message.startsWith('argument ')) assert.ok(!error.message.includes(SECRET), error.message)
  }
}

export async function floodConfig(context: TestContext, inputs: number): Promise<void> {
  const tally = new Tally()
  await flood(context, {
    inputs,
    perRound: 500,
    round: (random, count) => {
      for (let i = 0; i < count; i++) checkInput(randomInput(random), tally)
      const loaded = loadConfig({ argv: ['--node-id', '1'], env: {}, readFile: () => '' })
      assert.equal(loaded.kind, 'run')
    },
  })
  context.diagnostic(String(tally))
  for (const kind of ['run', 'refused']) assert.ok(tally.count(kind) > inputs / 10, `the inputs are one-sided: ${String(tally)}`)
}
