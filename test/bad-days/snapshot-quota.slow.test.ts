import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_SNAPSHOT_ENTRIES, MAX_SNAPSHOT_SIZE } from '../../src/limits.ts'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import { fillKey, fillStore, KeepAliveClient, writersUntil } from './snapshot-clients.ts'
import type { Reply } from './snapshot-clients.ts'
import { Newcomer } from './snapshot-newcomer.ts'
import { sameState, statusOf, until } from './snapshot-status.ts'

const SETTLE_TIMEOUT_MS = 30_000
const TRANSFER_TIMEOUT_MS = 60_000
const VALUE_SIZE = 128 * 1024

interface Refusal {
  readonly error: { readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> }
}

function refusalOf({ status, text }: Reply): Refusal['error'] {
  assert.equal(status, 507, text)
  const { error } = JSON.parse(text) as Refusal
  assert.equal(error.code, 'QUOTA_EXCEEDED')
  return error
}

async function leaderUrl(fleet: Fleet): Promise<string> {
  const leader = await fleet.settledLeader(SETTLE_TIMEOUT_MS)
  assert.ok(leader !== undefined, 'no leader that all nodes know')
  return fleet.nodes.find(({ id }) => id === leader)?.url as string
}

test(
  'a store full of bytes: growth is refused with 507 that says what to do, all else passes, deletes clear it, and all nodes count the same',
  { timeout: 170_000 },
  async () => {
    const client = new KeepAliveClient()
    const fleet = await Fleet.start(3)
    let newcomer: Newcomer | undefined
    try {
      const url = await leaderUrl(fleet)
      const write = (command: object, at = url): Promise<Reply> => client.post(`${at}/write`, { command })
      const set = (key: string, size = VALUE_SIZE, at = url): Promise<Reply> =>
        write({ Set: { key, value: 'x'.repeat(size) } }, at)
      const passes = async (what: string, reply: Promise<Reply>): Promise<void> => assert.equal((await reply).status, 200, what)
      const refused = await writersUntil(8, (i) => set(fillKey('k-', i)), 507)
      const { message, details } = refusalOf(refused)
      console.log(message)
      assert.match(
        message,
        /^the store holds \d+ bytes \(\d+ of keys and values, 64 more for each of \d+ keys and 1 row of the system\), and this write would add 131146: at most 104857600 are allowed, so that a snapshot can hold them\. Delete keys, and writes pass again; reads, deletes, and values no larger than those they replace pass now$/,
      )
      assert.equal(details['limit'], 'bytes')
      assert.equal(details['max'], MAX_SNAPSHOT_SIZE)
      for (const node of fleet.nodes) refusalOf(await set('one-more', VALUE_SIZE, node.url))
      await passes('a value of the same size', set(fillKey('k-', 0)))
      await passes('a smaller value', set(fillKey('k-', 1), VALUE_SIZE / 2))
      await passes('a read', client.post(`${url}/read`, { key: fillKey('k-', 2) }))
      await passes('a delete', write({ Delete: { key: fillKey('k-', 3) } }))
      await until('writes to pass again', SETTLE_TIMEOUT_MS, async () => (await set('again')).status === 200)
      const counted = await sameState(
        fleet.nodes.map((node) => node.url),
        SETTLE_TIMEOUT_MS,
      )
      console.log(`${counted.keys} keys of ${counted.stateBytes} bytes on all nodes`)
      assert.ok(counted.stateBytes + 64 * counted.keys <= MAX_SNAPSHOT_SIZE)

      const follower = fleet.nodes.find((node) => node.url !== url) as Fleet['nodes'][0]
      await fleet.kill(follower.id)
      fleet.run(follower.id)
      await fleet.settledLeader(SETTLE_TIMEOUT_MS)
      assert.deepEqual(
        await sameState([follower.url], SETTLE_TIMEOUT_MS),
        counted,
        'a killed node counts the same when it is back',
      )

      newcomer = await Newcomer.start(4, fleet.nodes)
      const joined = newcomer
      await request('POST', `${await leaderUrl(fleet)}/add-learner`, { node_id: 4 })
      await until(
        'a snapshot on the newcomer',
        TRANSFER_TIMEOUT_MS,
        async () => (await statusOf(joined.url)).snapshots_installed > 0,
      )
      const urls = [...fleet.nodes, joined].map((node) => node.url)
      assert.deepEqual(await sameState(urls, SETTLE_TIMEOUT_MS), counted, 'a node that came by snapshot counts the same')
    } finally {
      client.close()
      await newcomer?.stop()
      await fleet.stop()
    }
  },
)

test(
  'a store full of keys: many clients together do not pass the limit, and deletes clear it',
  { timeout: 170_000 },
  async () => {
    const client = new KeepAliveClient()
    const fleet = await Fleet.start(3)
    try {
      const url = await leaderUrl(fleet)
      const fill = { url, valueSize: 1, perCommand: 100, prefix: 'k' }
      await fillStore(client, { ...fill, keys: MAX_SNAPSHOT_ENTRIES - 5_000 })
      const command = (first: number): object => ({
        SetMulti: { pairs: Array.from({ length: 100 }, (_, i) => [fillKey('m', first * 100 + i), '']) },
      })
      const refused = await writersUntil(64, (i) => client.post(`${url}/write`, { command: command(i) }), 507)
      const { message, details } = refusalOf(refused)
      console.log(message)
      assert.match(
        message,
        /^the store holds 1000000 keys, and this write would add 100: at most 1000000 are allowed, .* Delete keys/,
      )
      assert.equal(details['limit'], 'keys')
      const { keys } = await sameState(
        fleet.nodes.map((node) => node.url),
        SETTLE_TIMEOUT_MS,
      )
      assert.equal(keys, MAX_SNAPSHOT_ENTRIES, 'all that was promised, on all nodes')
      const deleted = await client.post(`${url}/write`, {
        command: { DeleteMulti: { keys: Array.from({ length: 100 }, (_, i) => fillKey('k', i)) } },
      })
      assert.equal(deleted.status, 200, deleted.text)
      await until('writes to pass again', SETTLE_TIMEOUT_MS, async () => {
        return (await client.post(`${url}/write`, { command: { Set: { key: 'again', value: '' } } })).status === 200
      })
    } finally {
      client.close()
      await fleet.stop()
    }
  },
)
