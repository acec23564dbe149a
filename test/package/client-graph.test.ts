/** What a program gets that imports `aspen/client`: everything it needs on every Node that is maintained, and nothing of a node. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const IMPORT = /^import '([^']+)'|^(?:import|export) (?!type )(?:\{[^}]*\}|\*(?: as \w+)?|\w+) from '([^']+)'/gm

/** Every file and package that is loaded with `entry`; types are not. */
function graphOf(entry: string, load = (path: string): string => readFileSync(path, 'utf8')): ReadonlyMap<string, string> {
  const importers = new Map<string, string>([[entry, 'the entry']])
  const open = [entry]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    for (const [, bare, from] of load(resolve(ROOT, path)).matchAll(IMPORT)) {
      const target = bare ?? from ?? ''
      const name = target.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), target)) : target
      if (importers.has(name)) continue
      importers.set(name, path)
      if (target.startsWith('.')) open.push(name)
    }
  }
  return importers
}

/** Folders whose code serves; and the parts of `net` that listen or keep what a node keeps. */
const SERVERS = /^src\/(raft|actor|storage|replica|node|cluster|faces|simulation|testing|bin|index\.ts)/
const SERVING_NET = /^src\/net\/(direct\/(direct-|listener|index\.ts)|link\/served|index\.ts)/
const SERVING_BUILTINS = /^node:(fs|sqlite|worker_threads|child_process|cluster|inspector)/

test('aspen/client: loads no part of a node and no package', () => {
  const graph = graphOf('src/client/index.ts')
  assert(graph.has('src/client/http-client.ts') && graph.has('src/net/direct/link-dialer.ts'))
  for (const [name, importer] of graph) {
    assert(!SERVERS.test(name) && !SERVING_NET.test(name), `${importer} imports ${name}`)
    assert(name.startsWith('src/') || (name.startsWith('node:') && !SERVING_BUILTINS.test(name)), `${importer} imports ${name}`)
  }
})

test('graphOf: sees a server part wherever it is imported, and no types', () => {
  const texts: Readonly<Record<string, string>> = {
    'a.ts': "import type { X } from './x.ts'\nimport './b.ts'\n",
    'b.ts': "export {\n  one,\n  two,\n} from './c.ts'\n",
    'c.ts': "import { DatabaseSync } from 'node:sqlite'\n",
  }
  const graph = graphOf('a.ts', (path) => texts[relative(ROOT, path)] ?? '')
  assert.deepEqual([...graph.keys()], ['a.ts', 'b.ts', 'c.ts', 'node:sqlite'])
})

/** The compiler with the library of the oldest Node that a client may have. */
function compileForClients(...flags: readonly string[]): string {
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  return spawnSync(tsc, ['--noEmit', '-p', 'tsconfig.client.json', ...flags], { cwd: ROOT, encoding: 'utf8' }).stdout
}

test('aspen/client: uses nothing of JavaScript that Node.js 22 does not have', () => {
  assert.equal(compileForClients(), '')
  // With an older library still the same call finds something: it does look.
  assert.match(compileForClients('--lib', 'es2020'), /error TS/)
})

const ENTRIES = [
  {
    entry: 'src/index.ts',
    refused: ['20.20.2', '22.23.0', '24.12.0', '25.9.9'],
    needs: /^Error: aspen needs Node\.js 26 or newer, and .* is /,
  },
  { entry: 'src/testing/index.ts', refused: ['24.12.0'], needs: /^Error: aspen needs Node\.js 26 or newer, and .* is / },
  {
    entry: 'src/client/index.ts',
    refused: ['20.20.2', '21.0.0'],
    needs: /^Error: aspen\/client needs Node\.js 22 or newer, and .* is /,
  },
]

for (const { entry, refused, needs } of ENTRIES) {
  test(`${entry}: says in one sentence which Node it needs`, () => {
    for (const version of refused) {
      const pretend = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`
      const program = `${pretend}; import('${join(ROOT, entry)}').then(() => console.log('loaded'), (error) => console.log(String(error)))`
      const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' })
      assert.match(stdout, needs)
      assert(stdout.includes(version) && stdout.trimEnd().split('\n').length === 1, stdout)
    }
  })
}
