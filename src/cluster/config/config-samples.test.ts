/** Settings of a node as they may be written, for the tests of what reads them. */
import type { NodeConfig } from './node-config.ts'

const KEY = 'ab'.repeat(32)

const BOTH = [
  ['true', true],
  ['false', false],
] as const

/** Texts that mean themselves. */
const same = (...texts: string[]): [text: string, value: string][] => texts.map((text) => [text, text])

/** Texts for each setting that go together in any mixture, the default among them, and what they mean. */
export const SAMPLES: Readonly<Record<keyof NodeConfig, readonly (readonly [text: string, value: unknown])[]>> = {
  nodeId: [
    ['7', 7],
    ['1', 1],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ],
  dataDir: [
    ['/var/lib/aspen', '/var/lib/aspen'],
    ['./data/node-1', './data/node-1'],
  ],
  storageBackend: [
    ['inmemory', 'InMemory'],
    ['Sqlite', 'Sqlite'],
  ],
  diskReserveMib: [
    ['64', 64],
    ['100000', 100_000],
  ],
  maxClusterVersion: [
    ['1', 1],
    ['255', 255],
  ],
  autoPromote: BOTH,
  cookie: [
    ['dev cluster', 'dev cluster'],
    ['aspen-cookie', 'aspen-cookie'],
  ],
  ractorHost: [
    ['::1', '::1'],
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
  ],
  ractorPort: [
    ['0', 0],
    ['26000', 26_000],
    ['65535', 65_535],
  ],
  advertiseAddr: [
    ['', []],
    ['203.0.113.7:26000', ['203.0.113.7:26000']],
    ['node-1.example:443,[2001:db8::1]:26000', ['node-1.example:443', '[2001:db8::1]:26000']],
  ],
  transport: [
    ['iroh', 'iroh'],
    ['AUTO', 'auto'],
    ['auto', 'auto'],
  ],
  irohRelayUrls: [
    ['', []],
    ['https://relay.example', ['https://relay.example']],
    ['http://127.0.0.1:3340/,https://relay.example:444', ['http://127.0.0.1:3340/', 'https://relay.example:444']],
  ],
  tuned: [
    ['false', false],
    ['true', true],
  ],
  peers: [
    [`900@${KEY}:h:1`, [{ nodeId: 900, endpointId: KEY, addresses: ['h:1'], relay: null }]],
    ['', []],
  ],
  heartbeatIntervalMs: [
    ['50', 50],
    ['500', 500],
  ],
  electionTimeoutMinMs: [
    ['1000', 1_000],
    ['1500', 1_500],
  ],
  electionTimeoutMaxMs: [
    ['5000', 5_000],
    ['3000', 3_000],
  ],
  raftMailboxCapacity: [
    ['10000', 10_000],
    ['1000', 1_000],
  ],
  requestTimeoutMs: [
    ['9000', 9_000],
    ['5000', 5_000],
  ],
  httpAddr: [
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['[::1]:0', { host: '::1', port: 0 }],
  ],
  ticket: [[' ASPEN7 ', 'ASPEN7']],
  httpTokensFile: [['/etc/aspen/tokens', '/etc/aspen/tokens']],
  httpTlsCert: [['/etc/aspen/cert.pem', '/etc/aspen/cert.pem']],
  httpTlsKey: [['/etc/aspen/key.pem', '/etc/aspen/key.pem']],
  httpToken: same('a-b.c_d~e+f/g==', 'other'),
  insecure: BOTH,
  httpAllowedHosts: [
    ['Aspen.example.org,10.0.0.1', ['aspen.example.org', '10.0.0.1']],
    ['*', ['*']],
    ['', []],
  ],
  httpKeepAliveMs: [
    ['1', 1],
    ['600000', 600_000],
  ],
  enableGossip: [
    ['false', false],
    ['true', true],
  ],
  enableMdns: [
    ['false', false],
    ['true', true],
  ],
  enableDnsDiscovery: BOTH,
  dnsDiscoveryUrl: [
    ['_aspen._tcp.aspen, dns://10.0.0.1/h:1', ['_aspen._tcp.aspen', 'dns://10.0.0.1/h:1']],
    ['', []],
  ],
  enablePkarr: BOTH,
  pkarrRelayUrl: same('https://relay.example/pkarr', 'http://127.0.0.1:1'),
  pkarrDhtBootstrap: [
    ['router.example:6881,10.0.0.1:6881', ['router.example:6881', '10.0.0.1:6881']],
    ['', []],
  ],
  maxRestartCount: [
    ['0', 0],
    ['3', 3],
  ],
  restartWindowSecs: [
    ['60', 60],
    ['600', 600],
  ],
  actorStabilityDurationSecs: [
    ['1', 1],
    ['300', 300],
  ],
  circuitOpenDurationSecs: [
    ['2', 2],
    ['300', 300],
  ],
  halfOpenStabilityDurationSecs: [
    ['86400', 86_400],
    ['120', 120],
  ],
  logLevel: [
    ['DEBUG', 'debug'],
    ['info', 'info'],
  ],
  logFormat: same('pretty', 'json', 'auto'),
}
