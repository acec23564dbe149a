/** The documents against the tree: what they tell people to type must exist. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { COMMANDS } from '../src/bin/commands.ts'
import { readCommandLine } from '../src/cluster/config/command-line-layer.ts'
import { KNOWN_VARIABLES } from '../src/cluster/config/environment-layer.ts'
import { type Setting, SETTINGS } from '../src/cluster/config/settings.ts'
import { readToml } from '../src/cluster/config/toml-layer.ts'
import { METRIC_TABLE } from '../src/ports/metric-table.ts'
import { readTree } from './tidy.ts'

const ROOT = join(import.meta.dirname, '..')
const TREE = readTree(ROOT)
const PAGES = [...TREE].filter(([path]) => path.endsWith('.md'))
const README = TREE.get('README.md') ?? ''
const LIBRARY = TREE.get('docs/library.md') ?? ''
const ACTORS = TREE.get('docs/actors.md') ?? ''
const OPERATIONS = TREE.get('docs/operations.md') ?? ''
const MANIFEST = JSON.parse(TREE.get('package.json') ?? '{}') as { readonly scripts: Readonly<Record<string, string>> }

/** The fenced blocks of a language, those within lists, too. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '')
}

/** The commands of a page's shell blocks that begin with a word. */
function commands(page: string, word: string): string[] {
  return blocks(page, 'sh')
    .flatMap((block) => block.split('\n').map((line) => line.trim()))
    .filter((line) => line.startsWith(`${word} `))
}

/** The words of a README table's first column, for the table under a heading. */
function firstColumn(heading: string): string[] {
  const section = README.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? '')
}

/** Whether some file of the HTTP face has a path as a literal. */
function isRoute(path: string): boolean {
  return [...TREE].some(
    ([file, text]) => file.startsWith('src/faces/http/') && !file.endsWith('.test.ts') && text.includes(`'${path}'`),
  )
}

/** Whether some class, interface or type of `src/` has a member of this name. */
function hasMember(owner: string, member: string): boolean {
  const declares = new RegExp(`\\b(?:class|interface|type) ${owner}\\b`)
  const uses = new RegExp(`\\b${member}\\b`)
  return [...TREE].some(
    ([file, text]) => file.startsWith('src/') && !file.endsWith('.test.ts') && declares.test(text) && uses.test(text),
  )
}

test('ARCHITECTURE.md: names files, and members of classes, that exist', () => {
  const page = TREE.get('ARCHITECTURE.md') ?? ''
  const paths = [...TREE.keys()]
  const files = [...page.matchAll(/`([\w./-]+\.ts)`/g)].map(([, name = '']) => name)
  const members = [...page.matchAll(/`([A-Z]\w+)\.(\w+)`/g)].map(([, owner = '', member = '']) => ({ owner, member }))
  assert.ok(
    files.length > 20 && members.length > 15,
    `${files.length} files and ${members.length} members: the page has changed its form`,
  )
  assert.deepEqual(
    files.filter((name) => !paths.some((path) => `/${path}`.endsWith(`/${name}`))),
    [],
  )
  assert.deepEqual(
    members.filter(({ owner, member }) => !hasMember(owner, member)),
    [],
  )
})

describe('every page', () => {
  for (const [path, page] of PAGES) {
    test(`${path}: names npm scripts that exist`, () => {
      for (const [, name = ''] of page.matchAll(/\bnpm (?:run (?:-s )?)([a-z][\w:-]*)/g)) {
        assert.ok(name in MANIFEST.scripts, `npm run ${name} is no script of package.json`)
      }
    })

    test(`${path}: links to files that exist`, () => {
      for (const [, target = ''] of page.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^https?:/.test(target)) continue
        assert.ok(existsSync(join(ROOT, dirname(path), target)), `${target} does not exist`)
      }
    })

    test(`${path}: names variables that some program reads`, () => {
      for (const [name] of page.matchAll(/\bASPEN_[A-Z_]+\b/g)) assert.ok(KNOWN_VARIABLES.includes(name), `${name} is not known`)
    })
  }
})

test('package.json: ships every page that the README links to', () => {
  const { files } = JSON.parse(TREE.get('package.json') ?? '{}') as { readonly files: readonly string[] }
  const linked = [...README.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  assert.ok(linked.length > 5)
  assert.deepEqual(
    linked.filter((target) => !/^https?:/.test(target) && !files.includes(target)),
    [],
  )
})

test('docs/library.md: lists every setting, with its type and its default', () => {
  const source = TREE.get('src/cluster/config/node-config.ts') ?? ''
  const rows = [...LIBRARY.matchAll(/^\| `(\w+)` +\| `(.*?)` +\| ([^|]*?) +\|$/gm)].map(([, field, type, preset]) => ({
    field,
    type: type?.replaceAll('\\|', '|'),
    preset: preset?.replaceAll('`', ''),
  }))
  const expected = SETTINGS.map((setting) => ({
    field: setting.field,
    type: new RegExp(`^  readonly ${setting.field}: (.+)$`, 'm').exec(source)?.[1],
    preset: defaultOf(setting),
  }))
  const byName = (a: { readonly field?: string | undefined }, b: { readonly field?: string | undefined }): number =>
    (a.field ?? '') < (b.field ?? '') ? -1 : 1
  assert.deepEqual(rows.sort(byName), expected.sort(byName))
})

test('docs/operations.md: names the queues that requests are refused by, each of them', () => {
  const sources = [...TREE].filter(
    ([path]) => path.startsWith('src/') && !path.endsWith('.test.ts') && !path.startsWith('src/testing/'),
  )
  const used = sources.flatMap(([, text]) =>
    [...text.matchAll(/(?:\bqueue: |\boverloaded\(\s*)'(\w+)'/g)].map(([, name = '']) => name),
  )
  assert.ok(new Set(used).size > 12)
  const counted: readonly string[] = METRIC_TABLE.aspen_overloaded_total.values
  assert.deepEqual(
    [...used, ...counted].filter((name) => !OPERATIONS.includes(`\`${name}\``)),
    [],
  )
})

test('docs: what is to be typed runs on the Node.js of the checkout, not on that of the machine', () => {
  for (const [path, page] of PAGES) assert.doesNotMatch(page, /(?<!\/)\bnode (?:bench|tools|sim)\//, path)
})

describe('what is to be typed', () => {
  for (const [name, page, atLeast] of [
    ['README', README, { starts: 4, posts: 9 }],
    ['docs/operations.md', OPERATIONS, { starts: 3, posts: 4 }],
  ] as const) {
    test(`${name}: starts nodes with settings that exist`, () => {
      const starts = commands(page, 'npm').filter((line) => line.includes('aspen-node --'))
      assert.ok(starts.length >= atLeast.starts)
      for (const line of starts) if (!readsAsCommand(line)) assert.ok(settingsOf(line).includes('nodeId'), line)
    })

    test(`${name}: posts well-formed bodies to routes that exist`, () => {
      const requests = commands(page, 'curl -X POST')
      assert.ok(requests.length >= atLeast.posts)
      for (const line of requests) {
        const [, path = ''] = /http:\/\/127\.0\.0\.1:\d+(\/\S*)/.exec(line) ?? []
        assert.ok(isRoute(path), `${path} is no route`)
        const [, body] = /-d '(.*)'$/.exec(line) ?? []
        assert.equal(typeof JSON.parse(body ?? ''), 'object')
      }
    })
  }
})

/** What a program of a page prints, in a folder of its own, with the sources in place of the package. */
function output(program: string): { readonly stdout: string; readonly stderr: string } {
  const source = (entry: string): string => pathToFileURL(join(ROOT, 'src', entry)).href
  const runnable = program
    .replace("'aspen'", `'${source('index.ts')}'`)
    .replace("'aspen/actor'", `'${source('actors/index.ts')}'`)
    .replace("'aspen/testing'", `'${source('testing/index.ts')}'`)
    // Any port that is free.
    .replace(/26_\d00 \+ nodeId/, '0')
  const folder = mkdtempSync(join(tmpdir(), 'aspen-docs-'))
  try {
    writeFileSync(join(folder, 'program.ts'), runnable)
    const { stdout, stderr } = spawnSync(process.execPath, ['program.ts'], { cwd: folder, encoding: 'utf8' })
    return { stdout, stderr }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('docs/library.md: the program with three nodes runs', () => {
  const program = blocks(LIBRARY, 'ts').find((block) => block.includes('changeMembership(')) ?? ''
  assert.deepEqual(output(program), { stdout: '[ 1, 2, 3 ]\n', stderr: '' })
})

test('docs/library.md: the program with members and leaders runs', () => {
  const program = blocks(LIBRARY, 'ts').find((block) => block.includes('promoteLearner(')) ?? ''
  const { stdout, stderr } = output(program)
  assert.equal(stderr, '')
  assert.match(
    stdout,
    /^\[\n {2}'Nothing is in the way: this node leads term 2, and a majority of the voters answers it\.'\n\]\n\[ '2 voter', '1 voter' \]\n$/,
  )
})

describe('docs/actors.md', () => {
  test('docs/actors.md: the first program runs', () => {
    const [program = ''] = blocks(ACTORS, 'ts')
    assert.deepEqual(output(program), { stdout: '5\n', stderr: '' })
  })

  test('docs/actors.md: the scenario under seeds runs, and fails where its actor does', () => {
    const program = blocks(ACTORS, 'ts').find((block) => block.includes('exploreActors')) ?? ''
    const shorter = program.replace('seeds: 100', 'seeds: 5')
    assert.deepEqual(output(`${shorter}\nconsole.log('held')`), { stdout: 'held\n', stderr: '' })
    assert.match(output(shorter.replace('a + 1', 'a + 2')).stderr, /SimulationFailure/)
  })

  test('docs/actors.md: the pool on three nodes does all of its work, though one of them is killed', () => {
    const program = blocks(ACTORS, 'ts').find((block) => block.includes("kill('SIGKILL')")) ?? ''
    assert.deepEqual(output(program), { stdout: '3000 jobs are done, 8 workers are left\n', stderr: '' })
  })
})

describe('README', () => {
  test('README: begins with the two commands', () => {
    const [first = ''] = blocks(README, 'sh')
    assert.deepEqual(
      first.split('\n').map((line) => line.replace(/\s+#.*/, '')),
      ['npm install && npm run cluster', 'npm install && npm test', ''],
    )
  })

  test('README: its TOML has settings that exist', () => {
    const [example = '', ...others] = blocks(README, 'toml')
    assert.equal(others.length, 0)
    const given = readToml('README.md', example.replaceAll('ENDPOINT_ID', '0'.repeat(64)))
    assert.equal(given.size, example.trim().split('\n').length)
  })

  test('README: lists routes that exist, and every one of the quick starts', () => {
    const routes = firstColumn('HTTP').map((row) => row.replace(/^[A-Z]+ /, ''))
    for (const path of routes) assert.ok(isRoute(path), `${path} is no route`)
    for (const path of ['/init', '/add-learner', '/change-membership', '/add-peer', '/write', '/read', '/scan', '/health']) {
      assert.ok(routes.includes(path), `${path} is missing`)
    }
  })

  test('README: lists every setting, with its default', () => {
    assert.deepEqual(firstColumn('Configuration').sort(), SETTINGS.map(({ name }) => name).sort())
    for (const setting of SETTINGS) {
      const [, shown = ''] = new RegExp(`^\\| \`${setting.name}\` +\\| ([^|]*?) +\\|`, 'm').exec(README) ?? []
      assert.equal(shown.replaceAll('`', ''), defaultOf(setting), setting.name)
    }
  })

  test('README: its programs compile against the sources, and one with an error in it would not', () => {
    const programs = [README, LIBRARY, ACTORS].flatMap((page) => blocks(page, 'ts'))
    assert.ok(programs.length >= 2)
    const wrong = `import { AspenNode } from 'aspen'\nawait AspenNode.start({ nodeId: 'one' })\n`
    assert.match(
      compile([...programs, wrong]),
      new RegExp(`^\\S*program-${programs.length + 1}\\.ts\\S* error TS2322: [^\\n]*\\n$`),
    )
  })
})

function argumentsOf(line: string): readonly string[] {
  return line
    .slice(line.indexOf(' -- ') + 4)
    .replaceAll('ENDPOINT_ID', '0'.repeat(64))
    .split(' ')
}

/** Whether the line runs another command than a node. @throws ConfigError when the command would refuse what it is given */
function readsAsCommand(line: string): boolean {
  const [word = '', ...own] = argumentsOf(line)
  COMMANDS[word]?.read(own, { env: {}, readFile: () => 'x'.repeat(32) })
  return Object.hasOwn(COMMANDS, word)
}

/** The fields that a start of a node sets. */
function settingsOf(line: string): readonly string[] {
  return [...readCommandLine(argumentsOf(line)).settings().keys()].map(({ field }) => field)
}

function defaultOf({ field, parser, ...setting }: Setting): string {
  if (field === 'nodeId') return 'required'
  if (field === 'dataDir') return './data/node-{id}'
  const value = setting.default
  if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) return 'none'
  if (parser.form === 'boolean') return value === true ? 'on' : 'off'
  return parser.format(value)
}

/** What the compiler says about programs that import the package by its name. One run for all: it reads the sources each time. */
function compile(programs: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-docs-'))
  try {
    const files = programs.map((_program, i) => `program-${i + 1}.ts`)
    for (const [i, file] of files.entries()) writeFileSync(join(folder, file), programs[i] ?? '')
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8').replace(/^\s*\/\/.*$/gm, '')) as {
      readonly compilerOptions: object
    }
    const source = (name: string): string[] => [join(ROOT, 'src', name)]
    const config = {
      compilerOptions: {
        ...compilerOptions,
        typeRoots: [join(ROOT, 'node_modules/@types')],
        paths: {
          aspen: source('index.ts'),
          'aspen/actor': source('actors/index.ts'),
          'aspen/client': source('client/index.ts'),
          'aspen/testing': source('testing/index.ts'),
        },
      },
      files,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
    return spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' }).stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
