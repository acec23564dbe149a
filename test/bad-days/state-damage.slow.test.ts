/** A state that somebody changes by SQL under a running process: found out by the others, and replaced by theirs. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { request } from '../../tools/cluster/http-json.ts'
import { Fleet } from '../chaos/fleet.ts'
import type { FleetNode } from '../chaos/fleet.ts'
import { assertSameState } from '../chaos/same-state.ts'

const SETTLE_TIMEOUT_MS = 30_000
const LOST = 'key-7'

/** A row is gone, as nobody but the node itself would take it. */
function removeRow({ plan }: FleetNode): void {
  const state = join(plan.dataDir, 'state')
  const [name] = readdirSync(state).filter((file) => file.endsWith('.db'))
  const database = new DatabaseSync(join(state, name as string), { timeout: SETTLE_TIMEOUT_MS })
  try {
    const { changes } = database.prepare('DELETE FROM entries WHERE space = 0 AND key = CAST(? AS BLOB)').run(LOST)
    assert.equal(changes, 1)
  } finally {
    database.close()
  }
}

test(
  'a replica whose state was changed by SQL exits with 70, and comes back with the state of the others',
  { timeout: 120_000 },
  async (t) => {
    const fleet = await Fleet.start(3)
    t.after(() => fleet.stop())
    const leader = await fleet.leaderNode(SETTLE_TIMEOUT_MS)
    for (let i = 0; i < 20; i++) {
      const { status } = await request('POST', `${leader.url}/write`, {
        command: { Set: { key: `key-${i}`, value: `value ${i}` } },
      })
      assert.equal(status, 200)
    }
    await assertSameState(fleet.nodes)
    const damaged = fleet.nodes.find(({ id }) => id !== leader.id) as FleetNode
    removeRow(damaged)
    // Its rows are counted for that; otherwise it takes some hours.
    await request('POST', `${damaged.url}/trigger-snapshot`, {}).catch(() => undefined)
    const found = await fleet.ended(damaged.id)
    assert.equal(found.how, 'exited with 70', found.output)
    assert.match(
      found.output,
      /the state of this node after entry \d+ has the digest [0-9a-f]+, and a majority of the voters has [0-9a-f]+/,
    )
    fleet.run(damaged.id)
    assert.ok((await fleet.settledLeader(SETTLE_TIMEOUT_MS)) !== undefined, 'the three nodes do not agree on a leader')
    const state = await assertSameState(fleet.nodes)
    assert.equal(state.get(LOST)?.value, 'value 7')
  },
)
