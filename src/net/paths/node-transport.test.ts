import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '../../lib/index.ts'
import { noMetrics, silentLogger } from '../../ports/index.ts'
import { generateIdentity } from '../link/index.ts'
import { openTransport } from './node-transport.ts'

const CLAIMS = { nodeId: 1, clusterId: null, addresses: [], languageVersion: 1 }

function open(choice: 'auto' | 'iroh' | 'direct', relays: readonly string[]): ReturnType<typeof openTransport> {
  const place = { identity: generateIdentity(), cookie: 'c', scryptCost: 2, host: '127.0.0.1', port: 0 }
  return openTransport({ ...place, logger: silentLogger, metrics: noMetrics, random: new Prng(1) }, { choice, relays })
}

test('openTransport: says the relay that it is reached through, where it uses one', () => {
  const relays = ['https://a.example', 'https://b.example']
  assert.equal(open('auto', relays).relay(), 'https://a.example')
  assert.equal(open('iroh', relays).relay(), 'https://a.example')
  assert.equal(open('direct', relays).relay(), null)
  assert.equal(open('auto', []).relay(), null)
})

/** Processes that this one has started and that run. */
const processes = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length

test('openTransport: auto listens for direct links, and starts no process until there is need', async () => {
  const before = processes()
  const transport = open('auto', [])
  await transport.start(CLAIMS)
  assert.match(transport.addresses()[0] ?? '', /^127\.0\.0\.1:\d+$/)
  assert.equal(processes(), before)
  await transport.close()
})
