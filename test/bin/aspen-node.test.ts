/** The program as a process: what it prints, and how it ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../src/bin/aspen-node.ts', import.meta.url))
const GUARD = fileURLToPath(new URL('../../bin/aspen-node.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'aspen-bin-'))

after(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

class Program {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #ended: Promise<Ended>
  out = ''
  err = ''

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ASPEN_')))
    this.#child = spawn(process.execPath, args, { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => (this.out += chunk))
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.err += chunk))
    this.#ended = once(this.#child, 'close').then(([code]) => ({ code: code as number | null, out: this.out, err: this.err }))
  }

  /** Resolves once the ready line is out; rejects when the process ends before. */
  async ready(): Promise<string> {
    const said = new Promise<void>((resolve) => {
      this.#child.stdout.on('data', () => {
        if (this.out.includes('is ready')) resolve()
      })
    })
    const early = await Promise.race([said, this.#ended])
    if (early !== undefined) throw new Error(`ended with ${early.code} before it was ready: ${early.err}`)
    return this.out
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  ended(): Promise<Ended> {
    return this.#ended
  }
}

const node = (...flags: string[]): Program => new Program([PROGRAM, ...flags])

const memoryNode = (...flags: string[]): string[] => [
  '--node-id',
  '1',
  '--storage-backend',
  'InMemory',
  '--log-format',
  'json',
  ...flags,
]

/** And by itself: it is to meet nobody else on the machine. */
const FREE_PORTS = ['--http-addr', '127.0.0.1:0', '--ractor-port', '0', '--no-enable-mdns']

async function occupyPort(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

test('aspen-node: answers --version and --help on standard output', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  assert.deepEqual(await node('--version').ended(), { code: 0, out: `aspen-node ${version}\n`, err: '' })
  const help = await node('--help').ended()
  assert.deepEqual([help.code, help.err], [0, ''])
  assert.match(help.out, /^Usage: aspen-node --node-id N/)
  assert.match(help.out, /Examples:/)
})

test('aspen-node --new-cookie: prints one that cannot be guessed and needs no quotes, and starts nothing', async () => {
  const [one, two] = await Promise.all([node('--new-cookie').ended(), node('--new-cookie').ended()])
  for (const { code, out, err } of [one, two]) assert.deepEqual([code, /^[0-9a-f]{32}\n$/.test(out), err], [0, true, ''], out)
  assert.notEqual(one.out, two.out)
  const { code, err } = await node('--new-cookie', '--node-id', '1').ended()
  assert.deepEqual([code, /--new-cookie stands alone/.test(err)], [64, true], err)
})

test('aspen-node: refuses wrong settings with exit status 64 and one line that names the source', async () => {
  const wrong = await node('--node-id', '0').ended()
  assert.deepEqual([wrong.code, wrong.out], [64, ''])
  assert.match(wrong.err, /^aspen-node: flag --node-id: "0" is not allowed .*\n$/)
  const unknown = await new Program([PROGRAM, '--node-id', '1'], { ASPEN_NOD_ID: '1' }).ended()
  assert.equal(unknown.code, 64)
  assert.match(unknown.err, /environment variable ASPEN_NOD_ID/)
})

test('aspen-node: says where it serves, logs with its id, and ends with 0 on SIGTERM and SIGINT', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const program = node(...memoryNode(...FREE_PORTS))
    const line = /^aspen-node 1 is ready: http (http:\S+), peers 127\.0\.0\.1:[1-9]\d*, endpoint [0-9a-f]{64}\n$/.exec(
      await program.ready(),
    )
    assert(line !== null, program.out)
    const health = await fetch(`${line[1]}/health`)
    assert.equal(health.status, 200)
    await health.arrayBuffer()
    program.signal(signal)
    const { code, err } = await program.ended()
    assert.equal(code, 0, err)
    const logged = err
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text) as { node_id: number; msg: string })
    assert(logged.every(({ node_id }) => node_id === 1))
    assert.equal(logged.at(-1)?.msg, 'the node has stopped')
  }
})

test('aspen-node: warns of Redb and goes on', async () => {
  const dataDir = join(folder, 'redb')
  const program = node('--node-id', '1', '--storage-backend', 'Redb', '--data-dir', dataDir, ...FREE_PORTS)
  await program.ready()
  program.signal('SIGTERM')
  const { code, err } = await program.ended()
  assert.equal(code, 0, err)
  assert.match(err, /"level":"warn".*Redb is deprecated/)
})

test('aspen-node: names the flag that moves a busy port and exits 1', async () => {
  const { server, port } = await occupyPort()
  const [http, links] = await Promise.all([
    node(...memoryNode('--http-addr', `127.0.0.1:${port}`, '--ractor-port', '0')).ended(),
    node(...memoryNode('--http-addr', '127.0.0.1:0', '--ractor-port', String(port))).ended(),
  ])
  server.close()
  assert.deepEqual([http.code, links.code], [1, 1])
  assert.match(http.err, /did not start: .*EADDRINUSE.*--http-addr/)
  assert.match(links.err, /did not start: .*EADDRINUSE.*--ractor-port/)
})

test('aspen-node: does not share a data directory, nor start over a damaged identity', async () => {
  const dataDir = join(folder, 'shared')
  const flags = ['--node-id', '1', '--data-dir', dataDir, ...FREE_PORTS]
  const first = node(...flags)
  await first.ready()
  const second = await node(...flags).ended()
  assert.equal(second.code, 1)
  assert(second.err.includes(dataDir) && second.err.includes('in use'), second.err)
  first.signal('SIGTERM')
  assert.equal((await first.ended()).code, 0)

  writeFileSync(join(dataDir, 'identity.json'), 'no longer JSON')
  const third = await node(...flags).ended()
  assert.equal(third.code, 1)
  assert(third.err.includes(join(dataDir, 'identity.json')), third.err)
})

test('aspen-node: says which Node it needs when it is run by an older one', async () => {
  const older = join(folder, 'older.cjs')
  writeFileSync(older, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.0' } })`)
  const { code, err } = await new Program(['--require', older, GUARD, '--version']).ended()
  assert.equal(code, 1)
  assert.match(err, /needs Node\.js 26 or newer.*20\.20\.0/)
})
