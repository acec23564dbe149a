/** Memory stays as it is however often it is opened. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MemoryStores } from '../../src/cluster/stores/memory-stores.ts'
import { closeStores } from '../../src/node/index.ts'
import type { StoredSnapshot } from '../../src/ports/index.ts'
import { CLUSTER_ID, LogWriter, membershipOf, settled } from '../contracts/state-machine-fixture.ts'

const REOPENINGS = 1_000
const MIB = 1024 * 1024

const left = (references: readonly WeakRef<object>[]): object[] => references.flatMap((reference) => reference.deref() ?? [])

test('MemoryStores: take no more after a thousand lives than after ten, and nothing once they are released', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as NodeJS.GCFunction
  const used = async (): Promise<number> => {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const stores = new MemoryStores((run) => void setImmediate(run))
  const writer = new LogWriter()
  /** One life, and what it lived on. */
  const live = async (life: number): Promise<WeakRef<object>[]> => {
    const opened = stores.open()
    const { log, stateMachine } = opened
    const keys = life === 0 ? 200 : 5
    const entries = Array.from({ length: keys }, (_, i) => writer.set(`key-${i}`, 'v'.repeat(1_000)))
    if (life === 0) entries.push(writer.membership(membershipOf(1)))
    await settled((done) => log.write([{ entries }], done))
    stateMachine.apply(entries)
    if (life % 100 === 0) await settled<StoredSnapshot>((done) => stateMachine.takeSnapshot(CLUSTER_ID, done))
    if (writer.index > 1_000) await settled((done) => log.purge(writer.index - 1_000, (error) => done(error)))
    await settled((done) => closeStores(opened, done))
    return [new WeakRef(log), new WeakRef(stateMachine)]
  }
  const first = await live(0)
  for (let life = 1; life < 10; life++) await live(life)
  const early = await used()
  for (let life = 10; life < REOPENINGS; life++) await live(life)
  const late = await used()
  assert.ok(late - early < 2 * MIB, `${late - early} bytes more`)
  assert.deepEqual(left(first), [])
  const last = await live(REOPENINGS)
  stores.release()
  await used()
  // It is alive itself: what it let go of is gone.
  assert.throws(() => stores.open(), /released/)
  assert.deepEqual(left(last), [])
})
