/** Logs with a bad day, in whole nodes: what is cut and goes on, what is refused, and in which words. */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { AspenNode } from '../../src/cluster/index.ts'
import type { LogLevel } from '../../src/ports/index.ts'
import { FRAME_HEADER_SIZE, RECORD_HARD_STATE, RECORD_HEADER_SIZE } from '../../src/storage/log/frame.ts'
import { text } from '../cluster/nodes.ts'
import { LogFolder } from './log-folder.ts'
import { assertRefused } from './refusal.ts'

const WRITES = 30
/** The state is flushed a second after it was changed. */
const COMMIT_TIMEOUT_MS = 60_000
/** Three segments take as many: the first is too small for one, the second has room for one. */
const LARGE_WRITES = 4
const LARGE_VALUE = Buffer.alloc(1024 * 1024, 'v')

const root = mkdtempSync(join(tmpdir(), 'aspen-bad-log-'))
after(() => rmSync(root, { recursive: true, force: true }))

const settings = (dataDir: string): Parameters<typeof AspenNode.start>[0] => ({
  nodeId: 1,
  dataDir,
  cookie: 'test-cookie',
  enableMdns: false,
  ractorPort: 0,
  heartbeatIntervalMs: 50,
  electionTimeoutMinMs: 150,
  electionTimeoutMaxMs: 300,
})

async function untilCommitted(node: AspenNode, dataDir: string): Promise<void> {
  const file = join(dataDir, 'state', 'state-1.db')
  const committed = (): number => {
    const database = new DatabaseSync(file, { readOnly: true })
    const row = database.prepare('SELECT applied_index FROM meta').get()
    database.close()
    return row?.['applied_index'] as number
  }
  const end = performance.now() + COMMIT_TIMEOUT_MS
  while (committed() < node.status().appliedIndex) {
    assert.ok(performance.now() < end, `the state's file ends at ${committed()}, and ${node.status().appliedIndex} is applied`)
    await delay(10)
  }
}

/** What a node that was killed, and one that was stopped, leave of the same writes. */
async function leave(name: string, write: (node: AspenNode) => Promise<void>): Promise<{ killed: string; stopped: string }> {
  const [killed, stopped] = [join(root, `${name}-killed`), join(root, `${name}-stopped`)]
  const node = await AspenNode.start(settings(stopped))
  await node.init([1])
  await write(node)
  // A read waits for the state, which an acknowledgement need not do; its file follows soon after.
  await node.read('k')
  await untilCommitted(node, stopped)
  // What a process has written is in its files, whether or not it ends well.
  cpSync(stopped, killed, { recursive: true, filter: (path) => !path.endsWith('LOCK') && !path.endsWith('LOCK-journal') })
  await node.stop()
  return { killed, stopped }
}

let copies = 0

/** A copy of what was left, for one case to damage. */
function copyOf(left: string): { readonly dataDir: string; readonly log: LogFolder } {
  const dataDir = join(root, `case-${++copies}`)
  cpSync(left, dataDir, { recursive: true })
  return { dataDir, log: new LogFolder(dataDir) }
}

type Logged = readonly (readonly [LogLevel, string])[]

/** Starts a node on the folder, and gives what it reads and logs. */
async function start(dataDir: string, read: (node: AspenNode) => Promise<void>): Promise<Logged> {
  const logged: [LogLevel, string][] = []
  const node = await AspenNode.start(settings(dataDir), { logger: { log: (level, message) => logged.push([level, message]) } })
  try {
    await read(node)
  } finally {
    await node.stop()
    rmSync(dataDir, { recursive: true })
  }
  return logged
}

/** The node does not start; it says why, where, and what to do. */
async function refuses(dataDir: string, ...words: readonly (RegExp | string)[]): Promise<void> {
  await assertRefused(AspenNode.start(settings(dataDir)), words)
  rmSync(dataDir, { recursive: true })
}

/** The records of one frame. */
function recordsIn(bytes: Buffer, frame: number, end: number): { readonly at: number; readonly type: number }[] {
  const records = []
  for (let position = frame + FRAME_HEADER_SIZE; position < end;) {
    records.push({ at: position, type: bytes[position + 8] as number })
    position += RECORD_HEADER_SIZE + bytes.readUInt32LE(position + 4)
  }
  return records
}

/** Where a record says whom the node voted for. */
const VOTE_OFFSET = 12

const REJOIN = 'aspen-node rejoin --via'
const at = (log: LogFolder, file: string, offset: number): string =>
  `the log is damaged: ${join(log.path, file)} at byte ${offset}: `

describe('a node whose log has one segment', () => {
  let killed: string
  let stopped: string

  before(async () => {
    const left = await leave('small', async (node) => {
      for (let i = 0; i < WRITES; i++) await node.write({ Set: { key: `k${i}`, value: `v${i}` } })
    })
    killed = left.killed
    stopped = left.stopped
  })

  test('cuts a write that a crash has torn at the end, says so, and serves all before it', async () => {
    const { dataDir, log } = copyOf(killed)
    // The state may have seen the torn write only if it was committed, and then it was not torn.
    rmSync(join(dataDir, 'state'), { recursive: true })
    const { file, start: from, end } = log.frames().at(-1) as ReturnType<LogFolder['frames']>[0]
    log.change(file, (bytes) => bytes.fill(0, from + 20, end))
    const logged = await start(dataDir, async (node) => {
      assert.equal(text((await node.read(`k${WRITES - 2}`))?.value), `v${WRITES - 2}`)
      assert.equal(await node.read(`k${WRITES - 1}`), undefined)
    })
    const warning = 'the log ended in a write that a crash had cut short; what was left of it is removed'
    assert.ok(
      logged.some(([level, message]) => level === 'warn' && message === warning),
      JSON.stringify(logged),
    )
  })

  test('refuses when the log has lost a write that its own state has applied', async () => {
    const { dataDir, log } = copyOf(killed)
    const { file, start: from } = log.frames().at(-1) as ReturnType<LogFolder['frames']>[0]
    log.flip(file, from + 50)
    await refuses(dataDir, /the state has applied entry \d+, but the log ends at entry \d+: the log has lost entries/, REJOIN)
  })

  test('refuses a flipped byte in the last write after a clean stop', async () => {
    const { dataDir, log } = copyOf(stopped)
    const { file, start: from } = log.frames().at(-2) as ReturnType<LogFolder['frames']>[0]
    log.flip(file, from + 50)
    await refuses(dataDir, at(log, file, from), 'a record here was synced and does not read back', REJOIN)
  })

  test('refuses a flipped byte in the middle, killed or stopped', async () => {
    for (const left of [killed, stopped]) {
      const { dataDir, log } = copyOf(left)
      const frames = log.frames()
      const { file, start: from } = frames[Math.floor(frames.length / 2)] as (typeof frames)[0]
      log.flip(file, from + 50)
      await refuses(dataDir, at(log, file, from), /a later write follows at byte \d+/, REJOIN)
    }
  })

  test('refuses a flipped byte in a vote: it may have promised it to somebody', async () => {
    const { dataDir, log } = copyOf(killed)
    const [first] = log.segments() as [string]
    const bytes = log.read(first)
    const votes = log
      .frames()
      .flatMap(({ start: frame, end }) => recordsIn(bytes, frame, end).map((record) => ({ frame, ...record })))
    const vote = votes.find(({ type }) => type === RECORD_HARD_STATE)
    assert.ok(vote !== undefined, 'no record is a hard state')
    log.flip(first, vote.at + VOTE_OFFSET)
    await refuses(dataDir, at(log, first, vote.frame), REJOIN)
  })

  test('refuses a flipped byte in the header of a segment', async () => {
    const { dataDir, log } = copyOf(stopped)
    const [first] = log.segments() as [string]
    log.flip(first, 60)
    await refuses(dataDir, at(log, first, 0), 'the checksum of its header is wrong', REJOIN)
  })

  test('refuses a segment that was cut short', async () => {
    const { dataDir, log } = copyOf(stopped)
    const [first] = log.segments() as [string]
    log.truncate(first, 4096)
    await refuses(dataDir, at(log, first, 4096), /the file ends here and was \d+ bytes long/, REJOIN)
  })

  test('refuses the log of another node, naming both, and does not touch it', async () => {
    const other = await leave('other', async (node) => void (await node.write({ Set: { key: 'k', value: 'v' } })))
    const { dataDir, log } = copyOf(stopped)
    rmSync(log.path, { recursive: true })
    cpSync(join(other.stopped, 'log'), log.path, { recursive: true })
    await refuses(
      dataDir,
      `the log in ${log.path} cannot be opened`,
      /belongs to log store [0-9a-f]+, and this node's identity names [0-9a-f]+/,
    )
  })

  test('refuses a log of a newer format, and names the versions', async () => {
    const { dataDir, log } = copyOf(stopped)
    const [first] = log.segments() as [string]
    log.change(first, (bytes) => {
      bytes.writeUInt32LE(9, 12)
      bytes.writeUInt32LE(crc32(bytes.subarray(12, 512)), 8)
    })
    await refuses(
      dataDir,
      first,
      /has log format version 9, and this program reads version 2: run the version of Aspen that wrote it/,
    )
  })

  test('refuses when the whole log is gone', async () => {
    const { dataDir, log } = copyOf(stopped)
    for (const name of log.segments()) log.remove(name)
    await refuses(dataDir, dataDir, /its log is gone: a voter returns with its memory or not at all/, REJOIN)
  })
})

describe('a node whose log has three segments', () => {
  let stopped: string

  before(async () => {
    const left = await leave('large', async (node) => {
      for (let i = 0; i < LARGE_WRITES; i++) await node.write({ Set: { key: `k${i}`, value: LARGE_VALUE } })
    })
    rmSync(left.killed, { recursive: true })
    stopped = left.stopped
    assert.equal(new LogFolder(stopped).segments().length, 3)
  })

  test('refuses when the one in the middle, or the last, is missing, and names it', async () => {
    for (const [position, reason] of [
      [1, 'the file is missing between'],
      [2, 'ends by saying that it exists'],
    ] as const) {
      const { dataDir, log } = copyOf(stopped)
      const name = log.segments()[position] as string
      log.remove(name)
      await refuses(dataDir, at(log, name, 0), reason, REJOIN)
    }
  })

  test('goes on without the first while its state has what was in it, and refuses when the state is gone as well', async () => {
    const { dataDir, log } = copyOf(stopped)
    log.remove(log.segments()[0] as string)
    await start(dataDir, async (node) => {
      for (const i of [0, LARGE_WRITES - 1]) assert.equal((await node.read(`k${i}`))?.value.length, LARGE_VALUE.length)
    })
    const both = copyOf(stopped)
    both.log.remove(both.log.segments()[0] as string)
    rmSync(join(both.dataDir, 'state'), { recursive: true })
    await refuses(
      both.dataDir,
      /the state ends at entry 0, the log begins after entry \d+, and no snapshot fills the gap: a segment of the log or the newest snapshot is missing/,
      REJOIN,
    )
  })

  test('refuses a flipped byte in the middle segment', async () => {
    const { dataDir, log } = copyOf(stopped)
    const name = log.segments()[1] as string
    const frame = log.frames().find(({ file }) => file === name) as ReturnType<LogFolder['frames']>[0]
    log.flip(name, frame.start + 1_000)
    await refuses(dataDir, at(log, name, frame.start), 'continues after write', REJOIN)
  })
})
