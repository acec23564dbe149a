import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { KvServiceBuilder } from './kv-service-builder.ts'

test('KvServiceBuilder: starts a node with what it was told, later settings first, and a client of it', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'aspen-builder-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const lines: string[] = []
  const service = await new KvServiceBuilder(4)
    .dataDir(join(root, 'unused'))
    .storage('InMemory')
    .cookie('builder-cookie')
    .with({ enableMdns: false, ractorPort: 1, electionTimeoutMinMs: 200, electionTimeoutMaxMs: 300, heartbeatIntervalMs: 50 })
    .listen('127.0.0.1', 0)
    .using({ logger: { log: (_level, message) => lines.push(message) } })
    .start()
  try {
    assert.equal(service.node.nodeId, 4)
    const [address] = service.node.status().addresses
    assert.match(address ?? '', /^127\.0\.0\.1:\d+$/)
    assert.notEqual(address, '127.0.0.1:1')
    await service.node.init([4])
    await service.client.set('hello', 'world')
    assert.equal(await service.client.getText('hello'), 'world')
    assert.ok(lines.length > 0, 'it logs where it was told to')
  } finally {
    await service.stop()
  }
  assert.equal(existsSync(join(root, 'unused', 'log')), false)
  await assert.rejects(service.client.set('hello', 'again'), { name: 'AspenError' })
})

test('KvServiceBuilder: rejects settings that are not valid', async () => {
  await assert.rejects(new KvServiceBuilder(0).start(), { name: 'ConfigError' })
})
