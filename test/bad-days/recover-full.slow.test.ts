/** The survivor's volume is nearly full: the command changes nothing, says what it lacks, and goes through once there is room. */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FoundingError, recover } from '../../src/cluster/index.ts'
import type { RecoverOptions } from '../../src/cluster/index.ts'
import { testNodes, text } from '../cluster/nodes.ts'
import { Volumes } from './disk-volumes.ts'

const MIB = 1024 * 1024
const VOLUME_BYTES = 512 * MIB
/** How much more room there is at each try: a copy fails at one thing, a state at another, and the snapshot at a third. */
const STEP_BYTES = MIB / 2

/** Every file of the node, with its bytes. */
function contents(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
  const names = files.map((item) => join(item.parentPath, item.name)).filter((name) => !/LOCK|filler/.test(name))
  return Object.fromEntries(names.map((name) => [name, readFileSync(name).toString('base64')]))
}

test('recover: on a volume without room it has changed nothing, at whatever it fails', { timeout: 180_000 }, async (t) => {
  const volumes = new Volumes()
  t.after(() => volumes.unmount())
  const volume = volumes.tmpfs('survivor', VOLUME_BYTES)
  const nodes = testNodes(t)
  const [one, two] = await Promise.all([nodes.start(1), nodes.start(2)])
  await nodes.introduce(one, two)
  await one.init([1])
  await one.addLearner(2)
  await one.changeMembership({ members: [1, 2] })
  for (let i = 0; i < 8; i++) await one.write({ Set: { key: `k${i}`, value: `v${i}`.padEnd(200_000) } })
  await Promise.all([one.stop(), two.stop()])
  cpSync(nodes.directory(1), volume.directory, { recursive: true })
  const before = contents(volume.directory)

  const options: RecoverOptions = {
    config: { dataDir: volume.directory, nodeId: 1, storageBackend: 'Sqlite', peers: [] },
    evenIfOthersRun: false,
    evenALearner: false,
    confirm: ({ clusterId }) => Promise.resolve(clusterId),
    drawClusterId: () => 'ab'.repeat(16),
    now: () => 0,
    say: () => undefined,
  }
  const refusals: string[] = []
  for (let leaveBytes = 0; leaveBytes < VOLUME_BYTES; leaveBytes += STEP_BYTES) {
    volume.fill(leaveBytes)
    const error = await recover(options).then(
      () => undefined,
      (reason: Error) => reason,
    )
    volume.free()
    if (error === undefined) break
    assert.ok(error instanceof FoundingError, `${leaveBytes} free: ${error.message}`)
    assert.match(error.message, /Nothing was changed/)
    assert.deepEqual(contents(volume.directory), before, `${leaveBytes} free: ${error.message}`)
    refusals.push(error.message)
  }
  for (const message of new Set(refusals)) t.diagnostic(message)
  assert.ok(refusals.length >= 3 && refusals.every((message) => /free space/.test(message)), refusals.join('\n'))
  const alone = await nodes.start(1, { dataDir: volume.directory })
  assert.equal(text((await alone.read('k7'))?.value)?.trim(), 'v7')
})
