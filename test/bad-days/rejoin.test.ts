/** What the command that brings a member back refuses, and in which words. Nodes in this process. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { completeConfig, rejoin } from '../../src/cluster/index.ts'
import type { AspenNode, NodeConfig, RejoinVia } from '../../src/cluster/index.ts'
import { loadOrCreateIdentityFile } from '../../src/cluster/identity/identity-file.ts'
import { formThree, testNodes, text } from '../cluster/nodes.ts'
import type { TestNodes } from '../cluster/nodes.ts'
import { LogFolder } from './log-folder.ts'

const TIMINGS = { heartbeatIntervalMs: 100, electionTimeoutMinMs: 500, electionTimeoutMaxMs: 1000 }

const RUN_TIMEOUT_MS = 60_000

interface Run {
  readonly said: string
  readonly error: string
  /** Lines of the node's own log. */
  readonly logged: readonly string[]
}

function viaOf(node: AspenNode): RejoinVia {
  return {
    url: `http://node-${node.nodeId}`,
    read: (key, options) => node.read(key, { ...options, timeoutMs: 500 }),
    status: async () => node.status(),
    addLearner: (id, endpointId, options) => node.addLearner(id, endpointId, options),
    changeMembership: (change, options) => node.changeMembership(change, options),
  }
}

async function run(
  nodes: TestNodes,
  id: number,
  members: readonly AspenNode[],
  settings: Partial<NodeConfig> = {},
  via: readonly RejoinVia[] = members.map(viaOf),
): Promise<Run> {
  const said: string[] = []
  const logged: string[] = []
  const config = completeConfig({
    nodeId: id,
    dataDir: nodes.directory(id),
    cookie: 'test-cookie',
    ractorPort: 0,
    ...TIMINGS,
    ...settings,
  })
  const error = await rejoin({
    config,
    via,
    evenIfSound: false,
    logger: { log: (_, message) => void logged.push(message) },
    say: (line) => said.push(line),
    // What does not come to an end fails in words.
    signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
  }).then(
    () => '',
    (reason: Error) => reason.message,
  )
  return { said: said.join('\n'), error, logged }
}

/** Flips a byte in the middle of what was synced. */
function damageLog(dataDir: string): void {
  const log = new LogFolder(dataDir)
  const { file, start } = log.frames()[3] as ReturnType<LogFolder['frames']>[0]
  log.flip(file, start + 40)
}

/** What a command that is refused must leave as it is. The node beside it runs, and may just be replacing a file. */
function found(node: AspenNode, directory: string): unknown {
  const stays = (name: string): boolean => !name.startsWith('LOCK') && !name.endsWith('.tmp')
  return [node.status().cluster, readdirSync(directory).filter(stays)]
}

test('rejoin: refuses whatever it cannot do safely, and changes nothing', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes, TIMINGS)
  const directory = nodes.directory(3)
  const refused = async (what: string, message: RegExp, attempt: Promise<Run>): Promise<void> => {
    const before = found(one, directory)
    const { error } = await attempt
    assert.match(error, message, what)
    assert.match(error, what === 'it runs' ? /stop it first$/ : /Nothing was changed$/)
    assert.deepEqual(found(one, directory), before, what)
  }
  // From another directory, as on another machine: no lock tells.
  const elsewhere = { dataDir: `${directory}-elsewhere` }
  const runs = /node 3 still runs under its old key \(node [12] is linked with it\)/
  await refused('it runs', runs, run(nodes, 3, [one, two], elsewhere))
  await three.stop()
  const sound = /nothing is found wrong with .*: start the node as usual.*--even-if-sound/
  await refused('its data is sound', sound, run(nodes, 3, [one, two]))
  const other = new DatabaseSync(join(directory, 'state', 'state-1.db'))
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  const held = /another process holds a lock on .*state-1\.db: end it, and run the command again/
  await refused('its state is held', held, run(nodes, 3, [one, two]))
  other.close()
  damageLog(directory)
  const stranger = /node 7 is no member of the cluster at http:\/\/node-1 \(voters 1, 2, 3, learners none\).*POST \/add-learner/
  await refused('it is no member', stranger, run(nodes, 7, [one, two]))
  assert.equal(existsSync(nodes.directory(7)), false)
  const memory = /node 3 keeps nothing on disk: start it, remove the old member/
  await refused('it is in memory', memory, run(nodes, 3, [one], { storageBackend: 'InMemory' }))
  rmSync(join(directory, 'identity.json'))
  loadOrCreateIdentityFile(join(directory, 'identity.json'))
  const somebody =
    /holds the key [0-9a-f]{64}, and the cluster at http:\/\/node-1 knows node 3 by the key [0-9a-f]{64}.*Check --via and --data-dir/
  await refused('the directory is that of somebody else', somebody, run(nodes, 3, [one, two]))
  await two.stop()
  const majority =
    /no member in reach can decide anything \(http:\/\/node-1: .*A member is replaced by a majority of the voters, and node 3 is none/
  await refused('no majority is left', majority, run(nodes, 3, [one]))
})

test('rejoin: a wrong cookie ends it at the first refusal, in words, and the right one goes on', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes, TIMINGS)
  await three.stop()
  damageLog(nodes.directory(3))
  const before = one.status().cluster
  const { error } = await run(nodes, 3, [one, two], { cookie: 'another-cookie' })
  assert.match(error, /^the members refuse the cookie: .*--cookie-file.*Nothing was changed in the cluster$/)
  assert.deepEqual(one.status().cluster, before)
  const { error: none, logged } = await run(nodes, 3, [one, two])
  assert.equal(none, '')
  assert.ok(logged.length > 0)
  for (const line of logged) assert.doesNotMatch(line, /POST \/init is for a new cluster only/, 'a rejoin is what runs')
})

test('rejoin: goes on after it was killed while it set the old data aside', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes, TIMINGS)
  await one.write({ Set: { key: 'k', value: 'v' } })
  const oldKey = three.endpointId
  await three.stop()
  const directory = nodes.directory(3)
  damageLog(directory)
  await assert.rejects(nodes.start(3), /the log is damaged: .*node-3\/log\/log-0000000001\.segment at byte \d+/)
  // As it is left between two of the moves.
  const record = { version: 1, role: 'voter', oldEndpointId: oldKey, asideFolder: 'set-aside-1', aside: false }
  writeFileSync(join(directory, 'rejoin.json'), JSON.stringify(record))
  mkdirSync(join(directory, 'set-aside-1'))
  renameSync(join(directory, 'log'), join(directory, 'set-aside-1', 'log'))
  await assert.rejects(nodes.start(3), /is half set aside: a rejoin of this node is not finished: run aspen-node rejoin/)
  const { error, said } = await run(nodes, 3, [one, two])
  assert.equal(error, '', said)
  assert.match(said, /an earlier run did not finish/)
  const kept = readdirSync(join(directory, 'set-aside-1')).toSorted()
  assert.deepEqual(kept, ['identity.json', 'log', 'nodes.json', 'peers.json', 'state'])
  const back = await nodes.start(3, TIMINGS)
  assert.notEqual(back.endpointId, oldKey)
  await nodes.introduce(one, two, back)
  assert.equal(text((await back.read('k'))?.value), 'v')
  assert.deepEqual((await one.clusterState()).members, [1, 2, 3])
})

test('rejoin: was killed when all was done but the record of it, and is needed again some day: it begins anew', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes, TIMINGS)
  const directory = nodes.directory(3)
  await three.stop()
  damageLog(directory)
  assert.equal((await run(nodes, 3, [one, two])).error, '')
  const record = { version: 1, role: 'voter', oldEndpointId: three.endpointId, asideFolder: 'set-aside-1', aside: true }
  writeFileSync(join(directory, 'rejoin.json'), JSON.stringify(record))
  const back = await nodes.start(3, TIMINGS)
  await nodes.introduce(one, two, back)
  await one.write({ Set: { key: 'k', value: 'v' } })
  await back.read('k')
  await back.stop()
  const sound = await run(nodes, 3, [one, two])
  assert.match(sound.said, /going on where it stopped\n.*\ndone: node 3 is a voter again/s)
  writeFileSync(join(directory, 'rejoin.json'), JSON.stringify(record))
  damageLog(directory)
  const { error, said } = await run(nodes, 3, [one, two])
  assert.equal(error, '', said)
  assert.match(said, /what it has brought back is refused: beginning anew/)
  assert.match(said, /what was in the data directory is kept in .*set-aside-2/)
  const again = await nodes.start(3, TIMINGS)
  await nodes.introduce(one, two, again)
  assert.equal(text((await again.read('k'))?.value), 'v')
  assert.ok(!(await one.clusterState()).nodes.some(({ endpointId }) => endpointId === back.endpointId))
})

for (const removed of [false, true]) {
  const when = removed ? 'after the old member was removed' : 'while the old member is there'
  test(`rejoin: what an interrupted run has brought is refused too, ${when}: it begins anew`, async (t) => {
    const nodes = testNodes(t)
    const [one, two, three] = await formThree(nodes, TIMINGS)
    const directory = nodes.directory(3)
    await three.stop()
    const record = { version: 1, role: 'voter', oldEndpointId: three.endpointId, asideFolder: 'set-aside-1', aside: true }
    writeFileSync(join(directory, 'rejoin.json'), JSON.stringify(record))
    mkdirSync(join(directory, 'set-aside-1'))
    for (const name of ['log', 'state', 'peers.json', 'nodes.json', 'identity.json']) {
      renameSync(join(directory, name), join(directory, 'set-aside-1', name))
    }
    // A new key, whose log was there, and is not any more.
    loadOrCreateIdentityFile(join(directory, 'identity.json'), { logCreated: true, nodeId: 3 })
    if (removed) await one.changeMembership({ members: [1, 2] })
    const { error, said } = await run(nodes, 3, [one, two])
    assert.equal(error, '', said)
    assert.match(said, /what it has brought back is refused: beginning anew/)
    assert.match(said, /what was in the data directory is kept in .*set-aside-2/)
    assert.match(said, /done: node 3 is a voter again/)
    assert.deepEqual((await one.clusterState()).members, [1, 2, 3])
  })
}

/** A member that tells of a configuration in which node 3 votes, which is then undone. */
function hasty(node: AspenNode, directory: string): RejoinVia {
  const via = viaOf(node)
  let undone = false
  return {
    ...via,
    status: async () => {
      const status = node.status()
      const { cluster } = status
      const present = cluster.nodes.some(({ id }) => id === 3)
      if (undone || present || !readdirSync(directory).includes('identity.json')) return status
      const { endpointId } = loadOrCreateIdentityFile(join(directory, 'identity.json')).identity
      const nodes = [...cluster.nodes, { id: 3, endpointId, addresses: [] }]
      return { ...status, cluster: { ...cluster, members: [...cluster.members, 3], nodes } }
    },
    addLearner: (id, endpointId, options) => {
      undone = true
      return via.addLearner(id, endpointId, options)
    },
  }
}

test('rejoin: is not done by a configuration that is not committed', async (t) => {
  const nodes = testNodes(t)
  const [one, two, three] = await formThree(nodes, TIMINGS)
  const directory = nodes.directory(3)
  await three.stop()
  damageLog(directory)
  const { error, said } = await run(nodes, 3, [one, two], {}, [hasty(one, directory)])
  assert.equal(error, '', said)
  assert.match(said, /node 3 has caught up and votes/)
  assert.deepEqual((await two.clusterState()).members, [1, 2, 3])
})

test('rejoin: a learner becomes a learner again, and the only voter is refused', async (t) => {
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1, TIMINGS), nodes.start(2, TIMINGS)])
  await nodes.introduce(one, two)
  await one.init([1])
  await one.addLearner(2)
  const only = await run(nodes, 1, [one], { dataDir: `${nodes.directory(1)}-elsewhere` })
  assert.match(only.error, /node 1 is the only voter: nobody else has its data. Restore it from a backup/)
  await two.stop()
  rmSync(nodes.directory(2), { recursive: true })
  const { error, said } = await run(nodes, 2, [one])
  assert.equal(error, '', said)
  assert.match(said, /done: node 2 is a learner again/)
  const { members, learners } = await one.clusterState()
  assert.deepEqual([members, learners], [[1], [2]])
})
