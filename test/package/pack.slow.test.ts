/** The package as its users get it: packed, installed into an empty folder, imported by name, run as JavaScript. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const TIMEOUT_MS = 180_000
const execute = promisify(execFile)

/** Runs a program in a folder, with this Node first on the path. */
async function run(cwd: string, program: string, ...args: readonly string[]): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` }
  // The runner of these tests must not take the program for one of its own.
  delete env['NODE_TEST_CONTEXT']
  const { stdout } = await execute(program, args, { cwd, env, timeout: TIMEOUT_MS })
  return stdout
}

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

describe('the packed archive', () => {
  let folder = ''
  let packed: Packed

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aspen-pack-'))
    const [first] = JSON.parse(await run(ROOT, 'npm', 'pack', '--json', '--pack-destination', folder)) as Packed[]
    assert.ok(first !== undefined)
    packed = first
    await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}')
    await run(folder, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename))
  })

  after(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  test('npm pack: ships compiled code, types, licences and documents, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path)
    for (const wanted of ['README.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'dist/index.js', 'dist/index.d.ts']) {
      assert.ok(paths.includes(wanted), `${wanted} is missing`)
    }
    const allowed = /^(?:dist\/.*\.(?:js|d\.ts)|bin\/.*\.cjs|docs\/(?:adr\/)?[\w-]+\.md|[A-Z-]+(?:\.md)?|package\.json)$/
    assert.deepEqual(
      paths.filter((path) => !allowed.test(path) || /\.test\./.test(path)),
      [],
    )
  })

  test('aspen: the program of the README runs a node, writes and reads', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
    const [, program = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(readme) ?? []
    await writeFile(join(folder, 'program.ts'), program)
    assert.match(await run(folder, process.execPath, 'program.ts'), /^world at revision \d+\n$/)
  })

  test('aspen: every entry point loads, and its types resolve', async () => {
    const program = `import * as aspen from 'aspen'
import * as actor from 'aspen/actor'
import * as client from 'aspen/client'
import * as testing from 'aspen/testing'
const node: typeof aspen.AspenNode = aspen.AspenNode
console.log([node, aspen, actor, client, testing].every((value) => Object.keys(value).length >= 0))
`
    await writeFile(join(folder, 'entries.ts'), program)
    assert.equal(await run(folder, process.execPath, 'entries.ts'), 'true\n')
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    const types = join(ROOT, 'node_modules/@types')
    const options = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--target',
      'esnext',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--typeRoots',
      types,
    ]
    assert.equal(await run(folder, process.execPath, compiler, ...options, 'entries.ts', 'program.ts'), '')
  })

  test('aspen/actor: an actor lives in a thread, and is defined by a module of the program, in TypeScript or JavaScript', async () => {
    const definition = `import { defineActor } from 'aspen/actor'
export const counter = defineActor({ start: (context, first) => ({ add: (amount) => first + amount }) })
`
    const typed = definition.replace('context, first', 'context: unknown, first: number').replace('(amount)', '(amount: number)')
    await writeFile(join(folder, 'counter.js'), definition)
    await writeFile(join(folder, 'counter-typed.ts'), typed)
    const program = `import { ActorSystem, inThread } from 'aspen/actor'
import type { counter } from './counter-typed.ts'
const system = new ActorSystem()
for (const file of ['./counter.js', './counter-typed.ts']) {
  const definition = inThread<typeof counter>(new URL(file, import.meta.url), 'counter')
  const ref = system.spawn(definition, { argument: 1, thread: { unresponsiveMs: ${TIMEOUT_MS} } })
  console.log(await ref.call('add', 2, { timeoutMs: ${TIMEOUT_MS} }))
}
await system.stop()
`
    await writeFile(join(folder, 'threads.ts'), program)
    assert.equal(await run(folder, process.execPath, 'threads.ts'), '3\n3\n')
  })

  test('aspen-node: the installed program tells its version', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string }
    assert.match(
      await run(folder, join(folder, 'node_modules/.bin/aspen-node'), '--version'),
      new RegExp(version.replaceAll('.', '\\.')),
    )
  })
})
