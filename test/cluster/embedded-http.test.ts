import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { connectHttp } from '../../src/client/index.ts'
import { AspenNode, ConfigError } from '../../src/cluster/index.ts'
import { noMetrics } from '../../src/ports/index.ts'
import { testNodes, text } from './nodes.ts'

const addr = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port })

test('AspenNode: serves HTTP where it is asked to, by the settings and with the metrics of the program', async (t) => {
  const dataDir = testNodes(t).directory(1)
  const settings = { nodeId: 1, dataDir, cookie: 'c', enableMdns: false, ractorPort: 0, httpAddr: addr(0), httpToken: 'secret' }
  const node = await AspenNode.start(settings, { http: true })
  t.after(() => node.stop())
  const { httpUrl } = node
  assert.ok(httpUrl !== null)
  await node.init([1])
  const client = connectHttp([httpUrl], { token: 'secret' })
  t.after(() => client.close())
  await client.write({ Set: { key: 'k', value: 'v' } })
  assert.equal(text((await node.read('k'))?.value), 'v')
  assert.equal((await fetch(`${httpUrl}/node-info`)).status, 401)
  const metrics = await fetch(`${httpUrl}/metrics`, { headers: { authorization: 'Bearer secret' } })
  assert.match(await metrics.text(), /aspen_proposals_total/)
  await node.stop()
  await assert.rejects(fetch(`${httpUrl}/health`), 'nobody listens any more')
})

test('AspenNode: without the option it serves no HTTP; what cannot be served, or shown, stops the start and frees what it held', async (t) => {
  const nodes = testNodes(t)
  assert.equal((await nodes.start(2)).httpUrl, null)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as { port: number }
  const settings = { nodeId: 1, dataDir: nodes.directory(1), cookie: 'c', enableMdns: false, ractorPort: 0 }
  await assert.rejects(AspenNode.start({ ...settings, httpAddr: addr(port) }, { http: true }), {
    name: 'AspenError',
    code: 'CANNOT_LISTEN',
    message: `cannot listen for HTTP on 127.0.0.1:${port}: another program listens there (EADDRINUSE): give another httpAddr`,
  })
  await assert.rejects(AspenNode.start(settings, { http: true, metrics: noMetrics }), ConfigError)
  const wrong = { http: 'yes' } as unknown as { http: boolean }
  await assert.rejects(AspenNode.start(settings, wrong), /dependency http: "yes" is not allowed/)
  const node = await AspenNode.start(settings)
  await node.stop()
})
