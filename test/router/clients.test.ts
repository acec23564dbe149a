import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AspenError } from '../../src/api/index.ts'
import type { KeyValueStore, WriteCommand } from '../../src/api/index.ts'
import { explore, simulate, SimulationFailure } from '../../src/testing/index.ts'
import type { AspenRouter, Scenario } from '../../src/testing/index.ts'
import { RecordingClients } from './recording-clients.ts'
import { leaderOf, othersThan, readText, set, untilKnown } from './requests.ts'
import { volume } from '../volume.ts'

test('AspenRouter: every node takes writes, and reads at any of them see the last one', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    let last: string | undefined
    for (let round = 0; round < 5; round++) {
      for (const writer of othersThan(router, await leaderOf(router))) {
        last = `${round} by ${writer}`
        await router.node(writer).write(set('k', last))
        for (const reader of router.nodeIds) assert.equal(await readText(router.node(reader), 'k'), last)
      }
    }
  })
})

test('AspenRouter: what many clients did at once is linearizable', async () => {
  await explore({ seeds: volume(5, 1) }, async (router) => {
    const clients = new RecordingClients(router, { clients: 8, sharedKeys: ['x'], pauseMs: 1 })
    clients.start()
    await router.sleep(500)
    await clients.stop()
    await router.converged()
    clients.verify()
  })
})

type Increment = (value: string | undefined) => WriteCommand

const oneMore = (value = '0') => ({ Set: { key: 'n', value: String(Number(value) + 1) } })
const COMPARED: Increment = (value) => ({
  Txn: { compare: [value === undefined ? { key: 'n', absent: true } : { key: 'n', value }], then: [oneMore(value)] },
})

/** Two clients count to 20 together; each increment that was acknowledged must show. */
function counting(increment: Increment, trouble: (router: AspenRouter) => Promise<void>): Scenario<void> {
  return async (router) => {
    let certain = 0
    let doubtful = 0
    const count = async (store: KeyValueStore): Promise<void> => {
      for (let own = 0; own < 10;) {
        try {
          const { txn } = await store.write(increment(await readText(store, 'n')))
          if (txn?.succeeded === false) continue
          own++
          certain++
        } catch (error) {
          if (!(error instanceof AspenError) || error.code !== 'OUTCOME_UNKNOWN') throw error
          doubtful++
        }
      }
    }
    await Promise.all([count(router.client()), count(router.client()), trouble(router)])
    const total = Number(await readText(router.client(), 'n'))
    assert.ok(total >= certain && total <= certain + doubtful, `lost update: counted ${certain}, and n is ${total}`)
  }
}

test('AspenRouter: transactions of two clients that compare lose no update, though the leader crashes', async () => {
  const crashes = async (router: AspenRouter): Promise<void> => {
    await router.sleep(20)
    const leader = await leaderOf(router)
    router.crash(leader)
    await router.sleep(500)
    router.start(leader)
  }
  await explore({ seeds: 20 }, counting(COMPARED, crashes))
})

test('explore: finds the seed of an update that is lost, and the seed shows it again in the same way', async () => {
  const scenario = counting(oneMore, () => Promise.resolve())
  const found = await explore({ seeds: 20 }, scenario).then(
    () => assert.fail('no seed lost an update'),
    (error: unknown) => error,
  )
  assert.ok(found instanceof SimulationFailure)
  assert.match(found.message, new RegExp(`^seed ${found.seed}: lost update: counted 20, and n is 1\\d`))
  assert.ok(found.trace.length > 0)
  await assert.rejects(simulate({ seed: found.seed }, scenario), (again) => {
    assert.ok(again instanceof SimulationFailure)
    assert.equal(again.message, found.message)
    assert.deepEqual(again.trace, found.trace)
    return true
  })
})

test('AspenRouter: a write with an origin that is sent twice takes effect once, though the leader crashed in between', async () => {
  await explore({ seeds: volume(10, 2) }, async (router) => {
    const client = router.client()
    const origin = { client: 'c', sequence: 1 }
    const first = await client.write(set('k', 'mine'), { origin })
    await client.write(set('k', 'of another'))
    router.crash(await leaderOf(router))
    // What an origin is for: a write whose outcome is not known may be sent until it is.
    const again = await untilKnown(() => client.write(set('k', 'mine'), { origin }))
    assert.deepEqual(again.logId, first.logId)
    const entry = await client.read('k')
    assert.equal(entry?.version, 2)
    assert.equal(await readText(client, 'k'), 'of another')
  })
})
