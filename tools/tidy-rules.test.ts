import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Layer } from './tidy-layers.ts'
import {
  checkArchitecture,
  checkContents,
  checkCycles,
  checkImports,
  checkLayers,
  checkNames,
  checkPackages,
  checkPaths,
  type Finding,
  type Tree,
  withLayerTable,
} from './tidy-rules.ts'

const LAYERS: readonly Layer[] = [
  { name: 'low', holds: 'the base', imports: [], pure: true, deterministic: true },
  { name: 'middle', holds: 'the middle', imports: ['low'] },
  { name: 'high', holds: 'the top', imports: ['low', 'middle'] },
]

/** A sound tree, to which a test adds what it is about. */
const tree = (files: Readonly<Record<string, string>> = {}): Tree =>
  new Map(Object.entries({ 'src/low/index.ts': '', 'src/middle/index.ts': '', 'src/high/index.ts': '', ...files }))

const messages = (findings: readonly Finding[]): string[] =>
  findings.map(({ path, line, message }) => `${path}:${line}: ${message}`)

const only = (findings: readonly Finding[], pattern: RegExp): void => {
  assert.equal(findings.length, 1, messages(findings).join('\n'))
  assert.match(messages(findings)[0] ?? '', pattern)
}

describe('checkImports', () => {
  const check = (files: Readonly<Record<string, string>>): Finding[] => checkImports(tree(files), LAYERS)

  test('checkImports: allows a downward import through an index', () => {
    assert.deepEqual(
      check({ 'src/high/a.ts': `import { b } from '../low/index.ts'\nimport { c } from './c.ts'\n`, 'src/high/c.ts': '' }),
      [],
    )
  })

  test('checkImports: refuses an upward import, of types too', () => {
    only(
      check({ 'src/low/a.ts': `import type { B } from '../middle/index.ts'\n` }),
      /^src\/low\/a\.ts:1: imports middle from low/,
    )
  })

  test('checkImports: refuses an upward import by every form', () => {
    const forms = ['export * from', 'await import(', 'import', 'export { a } from', 'new URL(']
    for (const form of forms) {
      const call = form.endsWith('(') ? ')' : ''
      only(check({ 'src/low/a.ts': `${form} '../middle/index.ts'${call}\n` }), /imports middle from low/)
    }
  })

  test('checkImports: refuses an import past an index', () => {
    only(check({ 'src/high/a.ts': `import '../low/b.ts'\n`, 'src/low/b.ts': '' }), /past its folder's index/)
  })

  test('checkImports: a folder inside a folder has its own index, and may use the files around it', () => {
    const files = { 'src/high/a.ts': '', 'src/high/log/index.ts': '', 'src/high/log/b.ts': `import '../a.ts'\n` }
    assert.deepEqual(check({ ...files, 'src/high/c.ts': `import './log/index.ts'\n` }), [])
    only(check({ ...files, 'src/high/c.ts': `import './log/b.ts'\n` }), /src\/high\/c\.ts:1: imports src\/high\/log\/b\.ts past/)
  })

  test('checkImports: a folder with a row of its own is a layer inside another', () => {
    const layers = [
      ...LAYERS,
      { name: 'net/link', holds: 'links', imports: ['low'] },
      { name: 'net/direct', holds: 'a transport', imports: ['net/link'] },
      { name: 'net', holds: 'both', imports: ['net/direct'] },
    ]
    const files = {
      'src/net/index.ts': '',
      'src/net/link/index.ts': '',
      'src/net/direct/index.ts': `import '../link/index.ts'\n`,
    }
    const checkNested = (text: string, path: string): Finding[] => checkImports(tree({ ...files, [path]: text }), layers)
    assert.deepEqual(checkNested(`import './direct/index.ts'\n`, 'src/net/index.ts'), [])
    only(checkNested(`import '../direct/index.ts'\n`, 'src/net/link/a.ts'), /imports net\/direct from net\/link/)
    only(checkNested(`import '../../low/index.ts'\n`, 'src/net/direct/a.ts'), /imports low from net\/direct/)
    only(checkNested(`import './link/index.ts'\n`, 'src/net/index.ts'), /imports net\/link from net/)
    only(checkNested(`import '../index.ts'\n`, 'src/net/link/a.ts'), /imports net from net\/link/)
    assert.deepEqual(checkLayers(tree(files), layers), [])
  })

  test('checkImports: refuses what is not shipped, tests and files that do not exist', () => {
    only(check({ 'src/low/a.ts': `import '../../tools/b.ts'\n`, 'tools/b.ts': '' }), /not shipped/)
    only(check({ 'src/low/a.ts': `import './b.test.ts'\n`, 'src/low/b.test.ts': '' }), /imports the test/)
    only(check({ 'src/low/a.ts': `import './gone.ts'\n` }), /not a file of the tree/)
    only(check({ 'src/low/a.ts': `import './index'\n` }), /not a file of the tree/)
    only(check({ 'src/low/a.ts': `import '../../../x.ts'\n` }), /not a file of the tree/)
  })

  test('checkImports: lets tests and tools outside src import anything', () => {
    assert.deepEqual(check({ 'test/a.test.ts': `import '../src/low/b.ts'\n`, 'src/low/b.ts': '' }), [])
  })
})

describe('checkLayers', () => {
  test('checkLayers: accepts the sound tree', () => {
    assert.deepEqual(checkLayers(tree(), LAYERS), [])
  })

  test('checkLayers: names a folder without a row, and one without an index', () => {
    only(checkLayers(tree({ 'src/other/index.ts': '' }), LAYERS), /other is not in the layer table/)
    only(checkLayers(tree({ 'src/low/log/a.ts': '' }), LAYERS), /^src\/low\/log:1: has no index/)
  })

  test('checkLayers: refuses a table whose rows look downward', () => {
    only(
      checkLayers(tree(), [
        { name: 'low', holds: '', imports: ['middle'] },
        ...LAYERS.slice(1),
        { name: 'x', holds: '', imports: [] },
      ]),
      /no row above/,
    )
  })
})

describe('checkCycles', () => {
  test('checkCycles: finds a circle of folders', () => {
    const files = {
      'src/high/a/index.ts': `import '../b/index.ts'`,
      'src/high/b/index.ts': `import '../c/index.ts'`,
      'src/high/c/index.ts': `import '../a/index.ts'`,
    }
    only(checkCycles(tree(files)), /src\/high\/a -> src\/high\/b -> src\/high\/c -> src\/high\/a/)
  })

  test('checkCycles: a folder and the one around it are no circle', () => {
    const files = { 'src/high/a.ts': `import './b/index.ts'`, 'src/high/b/index.ts': `import '../c.ts'`, 'src/high/c.ts': '' }
    assert.deepEqual(checkCycles(tree(files)), [])
  })
})

describe('checkPackages', () => {
  const manifest = JSON.stringify({ dependencies: { used: '1' }, devDependencies: { '@dev/tool': '1' } })
  const base = { 'package.json': manifest, 'docs/dependencies.md': '`used` `@dev/tool`', 'src/high/uses.ts': `import 'used'\n` }
  const check = (files: Readonly<Record<string, string>>): Finding[] => checkPackages(tree({ ...base, ...files }), LAYERS)

  test('checkPackages: allows what is declared, where it is declared for', () => {
    assert.deepEqual(
      check({ 'src/high/a.ts': `import 'used/part'\nimport 'node:fs'\n`, 'src/high/a.test.ts': `import '@dev/tool/x'\n` }),
      [],
    )
  })

  test('checkPackages: refuses a development package in shipped code, and an undeclared one anywhere', () => {
    only(check({ 'src/high/a.ts': `import '@dev/tool'\n` }), /imports @dev\/tool.*in dependencies/)
    only(check({ 'test/a.ts': `import 'gone'\n` }), /imports gone/)
  })

  test('checkPackages: finds a dependency that nothing shipped imports', () => {
    only(check({ 'src/high/uses.ts': '', 'src/high/a.test.ts': `import 'used'\n` }), /^package\.json:1: ships used/)
  })

  test('checkPackages: a pure layer imports no package, not even of Node; its tests may', () => {
    only(check({ 'src/low/a.ts': `import 'node:fs'\n` }), /the pure layer low/)
    assert.deepEqual(check({ 'src/low/a.test.ts': `import 'node:test'\n` }), [])
  })

  test('checkPackages: asks for a line about every dependency', () => {
    only(check({ 'docs/dependencies.md': '`used`' }), /nothing about @dev\/tool/)
  })
})

describe('checkContents', () => {
  const check = (path: string, text: string): Finding[] => checkContents(tree({ [path]: text }), LAYERS)

  test('checkContents: finds time and randomness in a deterministic layer only', () => {
    const calls = [
      'Date.now()',
      'new Date()',
      'Math.random()',
      'performance.now()',
      'setTimeout(f, 1)',
      'globalThis.setInterval(f)',
      'crypto.randomUUID()',
    ]
    for (const call of calls) {
      only(check('src/low/a.ts', `f(${call})\n`), /time and randomness come in through ports/)
      assert.deepEqual(check('src/high/a.ts', `f(${call})\n`), [])
    }
  })

  test('checkContents: leaves methods, strings, comments and given dates alone', () => {
    assert.deepEqual(check('src/low/a.ts', `clock.setTimeout(f); g('Date.now()'); new Date(5) // Math.random()\n`), [])
  })

  test('checkContents: finds the modules that hold them', () => {
    for (const name of ['node:crypto', 'node:timers/promises', 'node:perf_hooks']) {
      only(check('src/low/a.ts', `import { f } from '${name}'\n`), /time and randomness come in through ports/)
    }
  })

  test('checkContents: lets tests measure time but not draw without a seed', () => {
    assert.deepEqual(check('src/low/a.test.ts', 'performance.now()\n'), [])
    only(check('src/high/a.test.ts', 'Math.random()\n'), /draw from a seed/)
    only(check('sim/a.ts', 'Math.random()\n'), /draw from a seed/)
  })

  test('checkContents: finds unfinished work in comments', () => {
    only(check('test/a.ts', 'f() // TODO later\n'), /has a TODO/)
    only(check('test/a.ts', '/* FIXME */\n'), /has a FIXME/)
  })

  test('checkContents: finds reference directives and default exports', () => {
    only(check('src/low/a.ts', '/// <reference types="node" />\n'), /reference directive/)
    only(check('src/low/a.ts', 'export default 3\n'), /default export/)
  })

  test('checkContents: allows 600 lines and no more', () => {
    assert.deepEqual(check('src/low/a.ts', 'f()\n'.repeat(600)), [])
    only(check('src/low/a.ts', 'f()\n'.repeat(601)), /has 601 lines/)
  })

  test('checkContents: finds tests that are switched off or singled out', () => {
    for (const text of [
      'test.only(f)',
      'it.skip(f)',
      'describe.todo(f)',
      `test('x', { skip: true }, f)`,
      `test('x', { only: true }, f)`,
    ]) {
      only(check('test/a.test.ts', `${text}\n`), /switches tests off/)
    }
    assert.deepEqual(check('test/a.test.ts', `test('x', { skip: !allowed && 'no ptrace' }, f)\n`), [])
  })

  test('checkContents: finds a worker that the built package would not find', () => {
    only(check('src/high/a.ts', `new Worker(new URL('./w.ts', import.meta.url))\n`), /loads \.\/w\.ts by URL/)
    assert.deepEqual(check('src/high/a.ts', 'new Worker(new URL(`./w${extension}`, import.meta.url))\n'), [])
  })
})

describe('checkNames', () => {
  const check = (path: string, files: Readonly<Record<string, string>> = {}): Finding[] =>
    checkNames(tree({ ...files, [path]: '' }))

  test('checkNames: refuses names that say nothing, as a file, a folder or a part', () => {
    for (const path of ['src/low/utils.ts', 'src/helpers/index.ts', 'test/common/a.ts', 'tools/file-util.ts'])
      only(check(path), /name it after/)
  })

  test('checkNames: asks for kebab-case', () => {
    only(check('src/low/RaftActor.ts'), /kebab-case/)
    only(check('src/low/raft_actor.ts'), /kebab-case/)
    assert.deepEqual(check('src/low/raft-actor.ts'), [])
  })

  test('checkNames: finds tests that no script runs', () => {
    only(check('src/low/index.spec.ts'), /would not run/)
    only(check('bench/a.test.ts'), /would not run/)
  })
})

describe('checkPaths', () => {
  test('checkPaths: finds folders of one machine, in any text', () => {
    only(checkPaths(tree({ 'README.md': ['see /ro', 'ot/aspen/x'].join('') })), /one machine/)
    assert.deepEqual(checkPaths(tree({ 'README.md': 'see docs/' + 'work/x and ./root/y and https://a.example/home/' })), [])
  })

  test('checkPaths: finds a registry in the lock file', () => {
    only(
      checkPaths(tree({ 'package-lock.json': '{\n"resolved": "https://registry.example/a.tgz"}' })),
      /^package-lock\.json:2: names a registry/,
    )
  })
})

describe('checkArchitecture', () => {
  const marks = '<!-- layers: printed from tools/tidy-layers.ts -->\nold\n<!-- end of layers -->\n'

  test('checkArchitecture: accepts the table that is enforced, padded or not', () => {
    const page = withLayerTable(`# A\n${marks}rest\n`) ?? ''
    assert.ok(page.endsWith('rest\n'))
    assert.deepEqual(checkArchitecture(tree({ 'ARCHITECTURE.md': page })), [])
    assert.deepEqual(checkArchitecture(tree({ 'ARCHITECTURE.md': page.replaceAll(' |', '   |') })), [])
  })

  test('checkArchitecture: refuses another table, and a page without one', () => {
    const page = withLayerTable(marks) ?? ''
    only(checkArchitecture(tree({ 'ARCHITECTURE.md': page.replace('`raft`', '`draft`') })), /another layer table/)
    only(checkArchitecture(tree({ 'ARCHITECTURE.md': '# A\n' })), /lacks the marks/)
  })
})
