import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { MAX_PEERS } from '../../src/limits.ts'

const MIB = 1024 * 1024

test('PeerBook, GossipDiscovery: 1,000 peers that were heard of by gossip and over links take at most 5 MB', () => {
  const program = join(import.meta.dirname, 'memory-process.ts')
  const measured = JSON.parse(execFileSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' })) as {
    readonly peers: number
    readonly announced: number
    readonly bytes: number
  }
  assert.deepEqual([measured.peers, measured.announced], [MAX_PEERS, MAX_PEERS])
  assert.ok(measured.bytes > 0.2 * MIB && measured.bytes <= 5 * MIB, `${measured.bytes} bytes`)
})
