/** States with a bad day, in whole nodes: rebuilt from snapshot and log, or refused, and in which words. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, describe, test } from 'node:test'
import { AspenNode } from '../../src/cluster/index.ts'
import type { LogLevel } from '../../src/ports/index.ts'
import { rejectsWith, text } from '../cluster/nodes.ts'
import { LogFolder } from './log-folder.ts'
import { assertRefused } from './refusal.ts'

const KEYS = 400
const REJOIN = 'aspen-node rejoin --via'

const root = mkdtempSync(join(tmpdir(), 'aspen-bad-state-'))
after(() => rmSync(root, { recursive: true, force: true }))

interface Started {
  readonly node: AspenNode
  readonly warnings: string[]
  readonly faults: string[]
}

const running = new Set<AspenNode>()
afterEach(async () => {
  // A failed test must not keep the process alive.
  for (const node of running) await node.stop().catch(() => undefined)
  running.clear()
})

async function start(dataDir: string): Promise<Started> {
  const warnings: string[] = []
  const faults: string[] = []
  const logger = { log: (level: LogLevel, message: string): void => void (level === 'warn' && warnings.push(message)) }
  const settings = {
    nodeId: 1,
    dataDir,
    cookie: 'test-cookie',
    enableMdns: false,
    ractorPort: 0,
    heartbeatIntervalMs: 50,
    electionTimeoutMinMs: 150,
    electionTimeoutMaxMs: 300,
  }
  const node = await AspenNode.start(settings, { logger, onFatal: (error) => faults.push(error.message) })
  running.add(node)
  return { node, warnings, faults }
}

const value = (i: number): string => `value-${i}-${'x'.repeat(200)}`

async function write(node: AspenNode, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i += 50) {
    const pairs = Array.from({ length: 50 }, (_, j) => [`key-${i + j}`, value(i + j)] as const)
    await node.write({ SetMulti: { pairs } })
  }
}

async function assertWhole(node: AspenNode): Promise<void> {
  for (let i = 0; i < KEYS; i++) assert.equal(text((await node.read(`key-${i}`))?.value), value(i))
}

/** The node starts, has everything, and says what it found. */
async function rebuilds(dataDir: string, ...words: readonly (RegExp | string)[]): Promise<void> {
  const { node, warnings } = await start(dataDir)
  try {
    await assertWhole(node)
    const said = warnings.join('\n')
    for (const word of words) {
      if (typeof word === 'string') assert.ok(said.includes(word), `${said}\nlacks\n${word}`)
      else assert.match(said, word)
    }
  } finally {
    await node.stop()
  }
}

async function refuses(dataDir: string, ...words: readonly (RegExp | string)[]): Promise<void> {
  await assertRefused(
    start(dataDir).then(({ node }) => node),
    words,
  )
}

let copies = 0

function copyOf(left: string): string {
  const dataDir = join(root, `case-${++copies}`)
  cpSync(left, dataDir, { recursive: true })
  return dataDir
}

const stateFile = (dataDir: string): string => join(dataDir, 'state', 'state-1.db')

function change(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path)
  change(bytes)
  writeFileSync(path, bytes)
}

/** Wherever the value stands: pages keep remains of rows that have moved. */
function flipInValue(dataDir: string, text: string): void {
  change(stateFile(dataDir), (bytes) => {
    let found = 0
    for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
      bytes[at + 30] = (bytes[at + 30] as number) ^ 1
      found++
    }
    assert.ok(found > 0)
  })
}

/** Makes a log look purged up to where its state is: a snapshot, or a state that has everything, is all there is before. */
async function resetLog(dataDir: string): Promise<void> {
  const { openSegmentedLog, NodeDisk } = await import('../../src/storage/index.ts')
  const { storeId } = new LogFolder(dataDir)
  const log = openSegmentedLog(new NodeDisk(join(dataDir, 'log')), { storeId })
  const { entries, purged, hardState, clusterId } = log.recovered
  const { index, term } = entries.at(-1) ?? purged
  await new Promise<void>((resolve, reject) => {
    log.reset({ index, term }, hardState, clusterId as string, (error) => (error === undefined ? resolve() : reject(error)))
  })
  await new Promise<void>((resolve, reject) => log.close((error) => (error === undefined ? resolve() : reject(error))))
}

test('a node whose state another connection holds waits for it at its start, and the process around it goes on', async () => {
  const dataDir = join(root, 'held')
  const first = await start(dataDir)
  await first.node.init([1])
  await write(first.node, 0, 50)
  await first.node.stop()
  const other = new DatabaseSync(stateFile(dataDir))
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  let settled = false
  const starting = start(dataDir).finally(() => (settled = true))
  // It has met the lock by then: all that it opens before is opened in one go.
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(settled, false)
  await assert.rejects(
    AspenNode.start({ nodeId: 1, dataDir, enableMdns: false }),
    /is in use by another node/,
    'whoever waits keeps the data directory',
  )
  other.close()
  const { node, warnings, faults } = await starting
  assert.deepEqual([warnings, faults], [[], []])
  assert.equal(text((await node.read('key-49'))?.value), value(49))
})

describe('a node with a damaged state', () => {
  /** Stopped after all writes; an old copy of its state; the same with a snapshot and a purged log; that without the snapshot. */
  let whole: string
  let oldState: string
  let snapshotted: string
  let purged: string

  before(async () => {
    whole = join(root, 'whole')
    const first = await start(whole)
    await first.node.init([1])
    await write(first.node, 0, KEYS / 2)
    await first.node.stop()
    oldState = join(root, 'old-state')
    cpSync(join(whole, 'state'), oldState, { recursive: true })
    const second = await start(whole)
    await write(second.node, KEYS / 2, KEYS)
    await second.node.read('key-0')
    await second.node.stop()
    snapshotted = copyOf(whole)
    const third = await start(snapshotted)
    // Its reign begins with an entry of its own: the snapshot must have that, too.
    await third.node.read('key-0')
    await third.node.triggerSnapshot()
    await third.node.stop()
    await resetLog(snapshotted)
    purged = copyOf(snapshotted)
    rmSync(join(purged, 'snapshots'), { recursive: true })
  })

  test('sets a damaged page aside at its start and rebuilds the state from the log', async () => {
    const dataDir = copyOf(whole)
    change(stateFile(dataDir), (bytes) => bytes.fill(0xff, 8 * 4096, 10 * 4096))
    const words = `the state database ${stateFile(dataDir)} is damaged: `
    await rebuilds(dataDir, words, `the damaged files are in ${join(dataDir, 'state', 'damaged')}`)
    assert.ok(readdirSync(join(dataDir, 'state', 'damaged')).includes('state-1.db'))
    const again = await start(dataDir)
    await again.node.stop()
    assert.deepEqual(again.warnings, [], 'it is told once')
  })

  test('rebuilds from snapshot and log where the log is purged', async () => {
    const dataDir = copyOf(snapshotted)
    change(stateFile(dataDir), (bytes) => bytes.fill(0, 0, 4096))
    await rebuilds(dataDir, 'is damaged: ')
  })

  test('refuses a damaged state when no snapshot and no log reach back far enough', async () => {
    const dataDir = copyOf(purged)
    change(stateFile(dataDir), (bytes) => bytes.fill(0, 0, 4096))
    await refuses(dataDir, /the state ends at entry 0, the log begins after entry \d+, and no snapshot fills the gap/, REJOIN)
  })

  test('notices a flipped byte in a value when it is read, never serves it, and is sound after a restart', async () => {
    const dataDir = copyOf(whole)
    flipInValue(dataDir, 'value-7-')
    const { node, warnings, faults } = await start(dataDir)
    assert.deepEqual(warnings, [])
    await rejectsWith('POISONED', node.read('key-7'))
    assert.match(
      faults.join(),
      /the state database .* is damaged: the checksum of row \d+ is wrong; at its next start the node sets it aside/,
    )
    await node.stop().catch(() => undefined)
    await rebuilds(dataDir, /is damaged: found when the node ran last/)
  })

  test('does not put a flipped byte into a snapshot', async () => {
    const dataDir = copyOf(whole)
    flipInValue(dataDir, 'value-9-')
    const { node } = await start(dataDir)
    const error = await node.triggerSnapshot().then(
      () => assert.fail('it was taken'),
      (reason: Error) => reason,
    )
    assert.match(error.message, /the checksum of row \d+ is wrong|damaged/)
    await node.stop().catch(() => undefined)
    await rebuilds(dataDir, /is damaged: found when the node ran last/)
  })

  test('rebuilds a state that was deleted, from the log or from snapshot and log', async () => {
    for (const left of [whole, snapshotted]) {
      const dataDir = copyOf(left)
      rmSync(join(dataDir, 'state'), { recursive: true })
      await rebuilds(dataDir)
    }
  })

  test('brings an old copy of the state up to date from the log, or from the snapshot where the log is purged', async () => {
    for (const left of [whole, snapshotted]) {
      const dataDir = copyOf(left)
      rmSync(join(dataDir, 'state'), { recursive: true })
      cpSync(oldState, join(dataDir, 'state'), { recursive: true })
      await rebuilds(dataDir)
    }
  })

  test('refuses an old copy of the state from before the purge point', async () => {
    const dataDir = copyOf(purged)
    rmSync(join(dataDir, 'state'), { recursive: true })
    cpSync(oldState, join(dataDir, 'state'), { recursive: true })
    await refuses(
      dataDir,
      /the state ends at entry \d+, the log begins after entry \d+, and no snapshot fills the gap/,
      'the state is an old copy',
      REJOIN,
    )
  })

  test('refuses an old copy of the log under a newer state: what it promised since is forgotten', async () => {
    const dataDir = copyOf(whole)
    const log = new LogFolder(dataDir)
    const frames = log.frames()
    const { file, start: from } = frames[Math.floor(frames.length / 2)] as (typeof frames)[0]
    log.change(file, (bytes) => bytes.fill(0, from))
    await refuses(
      dataDir,
      /the state has applied entry \d+, but the log ends at entry \d+: the log has lost entries; it is an old copy/,
      REJOIN,
    )
  })

  test('goes on without a damaged snapshot, says which, and does not take it for one of a newer version', async () => {
    const dataDir = copyOf(snapshotted)
    const [name] = readdirSync(join(dataDir, 'snapshots')) as [string]
    // The format version.
    change(join(dataDir, 'snapshots', name), (bytes) => (bytes[11] = (bytes[11] as number) ^ 4))
    await rebuilds(dataDir, `the snapshot ${join(dataDir, 'snapshots', name)} is damaged and is not used`)
    assert.ok(existsSync(join(dataDir, 'snapshots', name)))
  })
})
