/** The majority is killed in the middle of a load, and its disks are gone: what one survivor makes of it. Real processes. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { LOOPBACK } from '../../tools/cluster/node-plan.ts'
import { errorOf, request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'
import { ended, startRecover, startNode } from './node-process.ts'

const TIMEOUT_MS = 60_000
const CLIENTS = 8

interface Acknowledged {
  readonly key: string
  readonly term: number
  readonly index: number
}

/** Clients that write a key of their own at a time, and what they were told. */
class Writers {
  readonly acknowledged: Acknowledged[] = []
  readonly #ending = new AbortController()
  readonly #clients: Promise<void>[]

  constructor(urls: readonly string[]) {
    this.#clients = Array.from({ length: CLIENTS }, (_, i) => this.#loop(i, urls[i % urls.length] as string))
  }

  stop(): Promise<unknown> {
    this.#ending.abort()
    return Promise.all(this.#clients)
  }

  async #loop(client: number, url: string): Promise<void> {
    for (let i = 0; !this.#ending.signal.aborted; i++) {
      const key = `c${client}-${i}`
      try {
        const answer = await request('POST', `${url}/write`, { command: { Set: { key, value: key } }, timeout_ms: 500 })
        const { log_id: logId } = answer.body as { readonly log_id?: { readonly term: number; readonly index: number } }
        if (answer.status === 200 && logId !== undefined) this.acknowledged.push({ key, ...logId })
      } catch {
        // Whoever was asked is gone.
        return
      }
    }
  }
}

async function eventually(what: string, probe: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + TIMEOUT_MS
  while (!(await probe())) {
    assert.ok(performance.now() < end, `${what} did not come to pass within ${TIMEOUT_MS} ms`)
    await delay(20)
  }
}

async function post(url: string, path: string, body: unknown): Promise<unknown> {
  const answer = await request('POST', `${url}${path}`, body)
  assert.equal(answer.status, 200, `${path}: ${errorOf(answer)?.code}: ${errorOf(answer)?.message}`)
  return answer.body
}

async function valueOf(url: string, key: string): Promise<string | undefined> {
  const { body } = await request('POST', `${url}/read`, { key })
  return (body as { readonly value?: string }).value
}

for (const role of ['the leader', 'a follower'] as const) {
  test(
    `recover: two of three are killed under load and their disks are gone; ${role} that is left has every acknowledged write of its log, and two others join`,
    { timeout: 180_000 },
    async (t) => {
      const fleet = await Fleet.start(3)
      t.after(() => fleet.stop())
      const leader = await fleet.leaderNode(TIMEOUT_MS)
      const follower = fleet.nodes.find(({ id }) => id !== leader.id) as FleetNode
      const left = role === 'the leader' ? leader : follower
      const lost = fleet.nodes.filter(({ id }) => id !== left.id)
      const writers = new Writers(fleet.nodes.map(({ url }) => url))
      await eventually('some load', () => writers.acknowledged.length > 500)
      await Promise.all(lost.map(({ id }) => fleet.kill(id)))
      await fleet.kill(left.id)
      await writers.stop()
      for (const { plan } of lost) rmSync(plan.dataDir, { recursive: true })

      const shown = await ended(startRecover(left.plan))
      assert.equal(shown.how, 'exited with 1', shown.output)
      const [, clusterId = ''] = /--confirm ([0-9a-f]{32})/.exec(shown.output) ?? []
      const [, index = '', term = ''] = /the log up to entry (\d+) of term (\d+)/.exec(shown.output) ?? []
      const done = await ended(startRecover(left.plan, '--confirm', clusterId))
      assert.equal(done.how, 'exited with 0', done.output)
      const [, endpointId = ''] = /the new key of node \d+ is ([0-9a-f]{64})/.exec(done.output) ?? []
      fleet.run(left.id)
      await eventually('it leads', async () => (await valueOf(left.url, 'c0-0').catch(() => undefined)) === 'c0-0')

      // One reign: what was acknowledged at a place that its log has, is what it has there.
      const mine = writers.acknowledged.filter((one) => one.index <= Number(index))
      assert.ok(mine.length > 400 && mine.every((one) => one.term === Number(term)), `${mine.length} of ${index}, term ${term}`)
      for (const { key } of mine) assert.equal(await valueOf(left.url, key), key)
      t.diagnostic(`${writers.acknowledged.length} acknowledged, ${writers.acknowledged.length - mine.length} of them lost`)

      const peers = [`${left.id}@${endpointId}:${LOOPBACK}:${left.plan.ractorPort}`]
      const children = lost.map(({ plan }) => startNode({ ...plan, peers }))
      try {
        for (const { id } of lost) {
          await post(left.url, '/add-learner', { node_id: id, timeout_ms: 30_000 })
          let last: unknown
          await eventually(`node ${id} votes`, async () => {
            const answer = await request('POST', `${left.url}/admin/promote-learner`, { node_id: id, force: true })
            last = answer.body
            return answer.status === 200
          }).catch((error: Error) => assert.fail(`${error.message}: ${JSON.stringify(last)}`))
        }
        await post(left.url, '/write', { command: { Set: { key: 'after', value: 'x' } } })
        for (const { url } of lost) {
          assert.equal(await valueOf(url, 'after'), 'x')
          assert.equal(await valueOf(url, (mine.at(-1) as Acknowledged).key), (mine.at(-1) as Acknowledged).key)
        }
        const { cluster } = (await request('GET', `${left.url}/raft-metrics`)).body as { readonly cluster: { members: number[] } }
        assert.deepEqual(cluster.members, [1, 2, 3])
      } finally {
        for (const child of children) child.kill('SIGTERM')
        await Promise.all(children.map(({ exit }) => exit))
      }
    },
  )
}
