/** A node, and its log, with real pipes that nobody reads, or whose reader is gone. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/aspen-node.cjs', import.meta.url))
const FLAGS = [
  '--node-id',
  '1',
  '--storage-backend',
  'InMemory',
  '--http-addr',
  '127.0.0.1:0',
  '--ractor-port',
  '0',
  '--no-enable-mdns',
]
const folder = mkdtempSync(join(tmpdir(), 'aspen-unread-'))
const skip = process.platform === 'win32'

after(() => rmSync(folder, { recursive: true, force: true }))

interface Pipe {
  readonly reader: number
  readonly writer: number
  /** What can be read now. */
  drain(): string
  /** Writes until nothing more fits. */
  fill(): void
  close(): void
}

let pipes = 0

function openPipe(): Pipe {
  const path = join(folder, `pipe-${pipes++}`)
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  const again = (step: () => boolean): void => {
    try {
      while (step()) continue
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN')
    }
  }
  return {
    reader,
    writer,
    drain() {
      let text = ''
      const buffer = Buffer.alloc(65_536)
      again(() => {
        const size = readSync(reader, buffer)
        text += buffer.toString('utf8', 0, size)
        return size > 0
      })
      return text
    },
    fill() {
      const other = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      for (const size of [4_096, 1]) again(() => writeSync(other, Buffer.alloc(size, '.')) > 0)
      closeSync(other)
    },
    close() {
      closeSync(reader)
      closeSync(writer)
    },
  }
}

async function startNode(stdio: StdioOptions): Promise<{ child: ChildProcess; exit: Promise<unknown[]>; url: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...FLAGS], { stdio })
  const exit = once(child, 'exit')
  assert(child.stdout !== null)
  for await (const line of createInterface({ input: child.stdout })) {
    const url = / http (http:\S+),/.exec(line)?.[1]
    if (url !== undefined) return { child, exit, url }
  }
  throw new Error('ended before it was ready')
}

test('aspen-node: serves and stops on SIGTERM while standard error is a full pipe that nobody reads', { skip }, async () => {
  const pipe = openPipe()
  pipe.fill()
  const { child, exit, url } = await startNode(['ignore', 'pipe', pipe.writer])
  assert.equal((await fetch(`${url}/health`)).status, 200)
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
  pipe.close()
})

test('aspen-node: serves, counts what is lost, and stops on SIGTERM when standard error has no reader', { skip }, async () => {
  const pipe = openPipe()
  closeSync(pipe.reader)
  const { child, exit, url } = await startNode(['ignore', 'pipe', pipe.writer])
  closeSync(pipe.writer)
  // Its first line says where it listens.
  assert.match(await (await fetch(`${url}/metrics`)).text(), /^aspen_log_lines_dropped_total [1-9]/m)
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null])
})

test('aspen-node: exits with its code when nobody reads why', { skip }, async () => {
  for (const flags of [['--no-such-flag'], ['--help'], ['--version']]) {
    const pipe = openPipe()
    pipe.fill()
    const child = spawn(process.execPath, [PROGRAM, ...flags], { stdio: ['ignore', pipe.writer, pipe.writer] })
    assert.deepEqual(await once(child, 'exit'), [flags[0] === '--no-such-flag' ? 64 : 0, null])
    pipe.close()
  }
})

/** Writes more than pipe and buffer hold, says on standard output that it got there, and once more after a word from outside. */
const TALKER = `
  import { createLogger } from '${new URL('../../src/cluster/logger.ts', import.meta.url).href}'
  import { standardError } from '${new URL('../../src/cluster/output/index.ts', import.meta.url).href}'
  let dropped = 0
  standardError().onDrop(() => dropped++)
  const logger = createLogger({ level: 'info', format: 'json', nodeId: 1 })
  for (let i = 0; i < 5_000; i++) logger.log('info', 'x'.repeat(1_000), { i })
  process.stdout.write('dropped ' + dropped + '\\n')
  process.stdin.once('data', () => {
    standardError().flush(60_000)
    process.exit(0)
  })`

test(
  'createLogger: goes on when a real pipe is full, and says how many lines were dropped once somebody reads',
  { skip },
  async () => {
    const pipe = openPipe()
    const child = spawn(process.execPath, ['--input-type=module', '-e', TALKER], { stdio: ['pipe', 'pipe', pipe.writer] })
    const exit = once(child, 'exit')
    const [said] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
    const dropped = Number(/dropped (\d+)/.exec(said)?.[1])
    assert(dropped > 3_000, said)
    let text = pipe.drain()
    child.stdin!.end('go on\n')
    const reading = setInterval(() => (text += pipe.drain()), 1)
    assert.deepEqual(await exit, [0, null])
    clearInterval(reading)
    text += pipe.drain()
    pipe.close()
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string; i?: number; dropped?: number })
    const report = lines.at(-1)
    assert.match(report?.msg ?? '', /lines of this log were dropped/)
    assert.equal(report?.dropped, dropped)
    // Nothing torn, nothing out of order.
    assert.deepEqual(
      lines.slice(0, -1).map(({ i }) => i),
      Array.from({ length: 5_000 - dropped }, (_, i) => i),
    )
  },
)
