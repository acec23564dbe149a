import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeersReport, PeerView } from '../api/index.ts'
import { ConfigError } from '../cluster/config/index.ts'
import { readPeersArguments } from './peers-arguments.ts'
import { describePeers } from './peers-program.ts'

const PEER: PeerView = {
  endpointId: 'ab'.repeat(32),
  nodeId: 2,
  standing: 'member',
  state: 'connected',
  path: 'direct',
  lastError: null,
  addresses: ['10.0.0.2:26000', '10.0.0.9:26000'],
  relay: null,
  sources: [
    { source: 'membership', addresses: ['10.0.0.2:26000'], ageMs: 3 * 86_400_000 },
    { source: 'link', addresses: [], ageMs: 65_000 },
  ],
}
const REPORT: PeersReport = {
  peers: [
    PEER,
    {
      ...PEER,
      nodeId: null,
      standing: 'stranger',
      state: 'waiting',
      path: null,
      lastError: 'ECONNREFUSED: \u001b[2Jx',
      relay: 'https://r/',
    },
  ],
  sources: [{ source: 'gossip', detail: 'announcements of 2 peers', peers: 2, lastError: 'announcements refused: 1 old' }],
}

test('describePeers: says in lines whom a node knows, and why it does not reach them', () => {
  assert.deepEqual(describePeers({ peers: [], sources: [] }, false), ['No peers are known.'])
  assert.deepEqual(describePeers(REPORT, false), [
    '2 known, 1 linked.',
    '',
    'node 2  abababababababab...  member, linked, direct',
    '  at 10.0.0.2:26000, 10.0.0.9:26000',
    '',
    'unknown node  abababababababab...  stranger, not reached, is dialled again',
    '  relay https://r/',
    '  last error: ECONNREFUSED: ?[2Jx',
    '  at 10.0.0.2:26000, 10.0.0.9:26000',
  ])
})

test('describePeers: explains who said it, when, and how its sources are doing', () => {
  const lines = describePeers({ ...REPORT, peers: [PEER] }, true)
  assert.deepEqual(lines.slice(3), [
    '  membership, 3 days ago: 10.0.0.2:26000',
    '  link, 65 s ago: no address',
    '',
    'Sources:',
    '  gossip     2  announcements of 2 peers',
    '                announcements refused: 1 old',
  ])
})

const read = (argv: readonly string[], env: Record<string, string> = {}): ReturnType<typeof readPeersArguments> =>
  readPeersArguments(argv, {
    env,
    readFile: (path) => {
      if (path === 'secret') return 'from-file\n'
      throw new Error('no such file')
    },
  })

test('readPeersArguments: takes a node, a token and whether to explain', () => {
  assert.deepEqual(read([]), { url: 'http://127.0.0.1:8080', token: null, explain: false })
  assert.deepEqual(read(['--explain', '--http', 'https://h:1', '--token=t']), { url: 'https://h:1', token: 't', explain: true })
  assert.equal(read([], { ASPEN_HTTP_TOKEN: 'env' }).token, 'env')
  assert.equal(read(['--token-file', 'secret'], { ASPEN_HTTP_TOKEN: 'env' }).token, 'from-file')
})

test('readPeersArguments: refuses what it does not know, and says what to give', () => {
  const wrong = [
    ['--bogus', /does not know "--bogus"/],
    ['--http=http://h:1/x', /is not the HTTP address of a node/],
    ['--http=http://u:p@h:1', /is not the HTTP address of a node/],
    ['--explain=1', /does not know/],
    ['--http', /--http needs a value/],
    ['--http=nonsense', /"nonsense" is not the HTTP address of a node/],
    ['--token-file=gone', /"gone" cannot be read: no such file/],
  ] as const
  for (const [word, words] of wrong) {
    assert.throws(
      () => read([word]),
      (error) => error instanceof ConfigError && words.test(error.message),
    )
  }
})
