import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectLink } from '../../src/client/index.ts'
import { completeConfig } from '../../src/cluster/index.ts'
import { openHome, openRealNode } from '../../src/cluster/real-node.ts'
import { settled } from '../../src/cluster/settled.ts'
import { noMetrics } from '../../src/ports/index.ts'
import type { LogLevel } from '../../src/ports/index.ts'
import { eventually, testNodes, text } from './nodes.ts'

test('NodeServer: over SQLite, TLS and files its replica is opened again in the living process; links and clients stay', async (t) => {
  const nodes = testNodes(t)
  const config = completeConfig({
    nodeId: 1,
    dataDir: nodes.directory(1),
    cookie: 'test-cookie',
    ractorPort: 0,
    heartbeatIntervalMs: 100,
    electionTimeoutMinMs: 500,
    electionTimeoutMaxMs: 1000,
  })
  const logged: string[] = []
  const logger = { log: (_: LogLevel, message: string): void => void logged.push(message) }
  const home = openHome(config)
  const server = await openRealNode(config, home, { logger, metrics: noMetrics, onFault: ({ error }) => assert.fail(error) })
  await server.start()
  t.after(async () => {
    await settled((done) => server.stop(done))
    home.release()
  })
  const { service } = server
  await service.init([1])
  const other = await nodes.start(2)
  const [address] = service.status().addresses
  assert.ok(address !== undefined)
  await other.addPeer({ nodeId: 1, endpointId: service.endpointId, addresses: [address] })
  await eventually('node 2 is linked', () => service.status().peers.some(({ connected }) => connected))
  await service.addLearner(2)
  const client = connectLink({ endpoints: [{ endpointId: service.endpointId, address }], cookie: 'test-cookie' })
  t.after(() => client.close())

  const acknowledged: string[] = []
  for (let round = 0; round < 3; round++) {
    const writes = Array.from({ length: 40 }, async (_, i) => {
      const key = `${round}.${i}`
      await client.write({ Set: { key, value: key } })
      acknowledged.push(key)
    })
    // Some are under way when the replica ends: whoever is told that a write took effect finds it afterwards.
    await writes[0]
    logged.length = 0
    await settled((done) => server.restartActor('raft', done))
    await Promise.allSettled(writes)
    assert.ok(acknowledged.length > 0)
    for (const key of acknowledged) assert.equal(text((await client.read(key))?.value), key)
    assert.deepEqual(
      logged.filter((message) => /link|peer/i.test(message)),
      [],
      'no link ended or began',
    )
  }
  await eventually('node 2 has everything', () => other.status().appliedIndex === service.status().lastLogIndex)
})
