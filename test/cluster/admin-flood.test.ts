/** Data in floods does not keep an operator from the members: administration has room of its own on its whole way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import { AspenNode } from '../../src/cluster/index.ts'
import { eventually, peerOf, testNodes } from './nodes.ts'

/** More than a mailbox, or what waits for the leader, has places for. */
const FLOOD = 25_000

test(
  'change-membership: is done while more data comes than the node takes, whether it leads or forwards',
  { timeout: 110_000 },
  async (t) => {
    const nodes = testNodes(t)
    const start = async (nodeId: number): Promise<AspenNode> => {
      const settings = {
        nodeId,
        dataDir: nodes.directory(nodeId),
        cookie: 'c',
        enableMdns: false,
        ractorPort: 0,
        httpAddr: { host: '127.0.0.1', port: 0 },
      }
      const node = await AspenNode.start(settings, { http: true })
      t.after(() => node.stop())
      return node
    }
    const [leader, follower] = await Promise.all([start(1), start(2)])
    await leader.addPeer(peerOf(follower))
    await follower.addPeer(peerOf(leader))
    await leader.init([1])
    await leader.addLearner(2)
    await eventually('the learner hears of it', () => follower.status().initialized)
    for (const [asked, members] of [
      [follower, [1, 2]],
      [leader, [1]],
    ] as const) {
      const refusals: string[] = []
      const flood = Array.from({ length: FLOOD }, (_, i) =>
        asked.write({ Set: { key: `k${i % 100}`, value: 'v' } }, { timeoutMs: 60_000 }).catch((error: unknown) => {
          refusals.push(error instanceof AspenError ? error.code : String(error))
        }),
      )
      const answer = await fetch(`${asked.httpUrl}/change-membership`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ members, timeout_ms: 60_000 }),
      })
      assert.equal(answer.status, 200, await answer.text())
      await Promise.all(flood)
      assert.ok(refusals.includes('OVERLOADED'), 'the data found no room')
    }
  },
)
