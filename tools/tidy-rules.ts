/**
 * The rules of `npm run tidy`, as functions from the files of the tree to findings. Nothing here touches the disk.
 */
import { LAYERS, type Layer, renderLayerTable } from './tidy-layers.ts'
import { findImports, type ImportSite, lineAt, readSource, type Source } from './tidy-source.ts'

export interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** Text files by their path from the root of the repository, with `/` between folders. */
export type Tree = ReadonlyMap<string, string>

interface Parsed {
  readonly path: string
  readonly source: Source
  readonly imports: readonly ImportSite[]
  readonly isTest: boolean
}

const MAX_LINES = 600
/** Folders whose tests some script runs. */
export const TEST_FOLDERS = ['src', 'test', 'sim', 'tools'] as const

const FORBIDDEN_NAMES = /^(?:utils?|helpers?|common|misc)$/
const FILE_NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9-]+)*\.ts$/

// Time and randomness that do not come through a port. A method of the same name (`clock.setTimeout`) is fine.
const AMBIENT =
  /(?<![.\w#])(?:globalThis\.)?(?:Date\.now|Math\.random|performance\.now|process\.hrtime|crypto\.(?:random\w+|getRandomValues)|(?:setTimeout|setInterval|setImmediate)(?=\s*\()|(?:new )?Date\(\s*\))/g
const AMBIENT_MODULES = /^(?:node:)?(?:timers|timers\/promises|perf_hooks|crypto)$/

const UNFINISHED = /\b(?:TODO|FIXME|XXX)\b/g
// The classes of one letter keep this pattern from finding itself.
const MACHINE_PATH = /(?<![\w.~}$/-])\/(?:[w]ork|[r]oot|[h]ome\/[a-z]+|[U]sers\/[a-z]+)\//g

const TEST_SWITCH =
  /\b(?:test|it|describe|suite)\.(?:only|skip|todo)\b|\b(?:only|todo)\s*:\s*(?:true|['"`])|\bskip\s*:\s*(?:true|['"`])/g

const folderOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0))
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The layer of a file of `src/`: its top folder or the one below it, if that has a row, or the name of a file directly in `src/`. */
export function layerOf(path: string, layers: readonly Layer[]): string {
  const [, top = '', below = ''] = path.split('/')
  const nested = `${top}/${below}`
  return layers.some(({ name }) => name === nested) ? nested : top.replace(/\.ts$/, '')
}

/** Resolves a relative specifier against the importing file; undefined when it leaves the repository. */
export function resolveRelative(from: string, specifier: string): string | undefined {
  const parts = folderOf(from).split('/').filter(Boolean)
  for (const part of specifier.split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return undefined
    } else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

const parsedTrees = new WeakMap<Tree, readonly Parsed[]>()

/** Reads each TypeScript file once, whatever the number of rules that look at it. */
function parseTree(tree: Tree): readonly Parsed[] {
  const known = parsedTrees.get(tree)
  if (known !== undefined) return known
  const parsed: Parsed[] = []
  for (const [path, text] of tree) {
    if (!path.endsWith('.ts')) continue
    const source = readSource(text)
    parsed.push({ path, source, imports: findImports(source), isTest: path.endsWith('.test.ts') })
  }
  parsedTrees.set(tree, parsed)
  return parsed
}

/** A finding for each match of a pattern. */
function findPattern(path: string, text: string, pattern: RegExp, say: (match: string) => string): Finding[] {
  return [...text.matchAll(pattern)].map((match) => ({ path, line: lineAt(text, match.index), message: say(match[0]) }))
}

/** An import from one folder into another may only name an `index.ts`; one's own folder and those around it are open. */
function crossesPastIndex(from: string, target: string): boolean {
  const targetFolder = folderOf(target)
  if (nameOf(target) === 'index.ts' || targetFolder === 'src') return false
  return !`${folderOf(from)}/`.startsWith(`${targetFolder}/`)
}

function checkRelativeImport(file: Parsed, site: ImportSite, tree: Tree, layers: readonly Layer[]): string | undefined {
  const target = resolveRelative(file.path, site.specifier)
  if (target === undefined || !tree.has(target)) {
    return `imports ${site.specifier}, which is not a file of the tree: name the file with its extension`
  }
  if (!file.path.startsWith('src/')) return undefined
  if (!target.startsWith('src/')) return `imports ${target}: src may not import what is not shipped`
  if (!file.isTest && target.endsWith('.test.ts')) return `imports the test ${target}`
  if (crossesPastIndex(file.path, target)) return `imports ${target} past its folder's index.ts`
  const own = layerOf(file.path, layers)
  const other = layerOf(target, layers)
  if (own === other || layers.find(({ name }) => name === own)?.imports.includes(other)) return undefined
  return `imports ${other} from ${own}: the layer table allows ${own} no such import`
}

/** Imports go downward in the layer table, cross a folder through its index only, and stay inside what is shipped. */
export function checkImports(tree: Tree, layers: readonly Layer[] = LAYERS): Finding[] {
  const findings: Finding[] = []
  for (const file of parseTree(tree)) {
    for (const site of file.imports) {
      if (!site.specifier.startsWith('.')) continue
      const message = checkRelativeImport(file, site, tree, layers)
      if (message !== undefined) findings.push({ path: file.path, line: site.line, message })
    }
  }
  return findings
}

/** Every folder and file directly in `src/` has a row, rows name earlier rows only, and folders have an index. */
export function checkLayers(tree: Tree, layers: readonly Layer[] = LAYERS): Finding[] {
  const findings: Finding[] = []
  const known = new Set<string>()
  for (const layer of layers) {
    for (const name of layer.imports) {
      if (known.has(name)) continue
      findings.push({
        path: 'tools/tidy-layers.ts',
        line: 1,
        message: `${layer.name} may import ${name}, which is no row above it`,
      })
    }
    known.add(layer.name)
  }
  const folders = new Set<string>()
  for (const path of tree.keys()) {
    if (!path.startsWith('src/') || !path.endsWith('.ts')) continue
    if (!known.has(layerOf(path, layers)))
      findings.push({ path, line: 1, message: `${layerOf(path, layers)} is not in the layer table` })
    if (folderOf(path) !== 'src' && layerOf(path, layers) !== 'bin' && !path.endsWith('.test.ts')) folders.add(folderOf(path))
  }
  for (const folder of folders) {
    if (!tree.has(`${folder}/index.ts`)) findings.push({ path: folder, line: 1, message: 'has no index.ts' })
  }
  return findings
}

/** Folders side by side may not import each other in a circle. */
export function checkCycles(tree: Tree): Finding[] {
  const edges = new Map<string, Set<string>>()
  for (const file of parseTree(tree)) {
    if (!file.path.startsWith('src/')) continue
    const from = folderOf(file.path)
    for (const site of file.imports) {
      const target = site.specifier.startsWith('.') ? resolveRelative(file.path, site.specifier) : undefined
      if (target === undefined || !target.startsWith('src/')) continue
      const to = folderOf(target)
      // A folder and one inside it are one unit: the inner one may use the outer one's files.
      if (`${to}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${to}/`)) continue
      edges.set(from, (edges.get(from) ?? new Set()).add(to))
    }
  }
  const findings: Finding[] = []
  const done = new Set<string>()
  const visit = (folder: string, path: readonly string[]): void => {
    if (path.includes(folder)) {
      const circle = [...path.slice(path.indexOf(folder)), folder].join(' -> ')
      findings.push({ path: folder, line: 1, message: `folders import each other in a circle: ${circle}` })
      return
    }
    if (done.has(folder)) return
    for (const next of edges.get(folder) ?? []) visit(next, [...path, folder])
    done.add(folder)
  }
  for (const folder of edges.keys()) visit(folder, [])
  return findings
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Packages are declared where they are used and used where they are declared, pure layers use none, and docs/dependencies.md names each of them. */
export function checkPackages(tree: Tree, layers: readonly Layer[] = LAYERS): Finding[] {
  const manifest = JSON.parse(tree.get('package.json') ?? '{}') as Manifest
  const shipped = new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
  const all = new Set([...shipped, ...Object.keys(manifest.devDependencies ?? {})])
  const pure = new Set(layers.filter((layer) => layer.pure).map(({ name }) => name))
  const findings: Finding[] = []
  const unused = new Set(shipped)
  for (const file of parseTree(tree)) {
    const isShipped = file.path.startsWith('src/') && !file.isTest
    for (const { specifier, line } of file.imports) {
      if (specifier.startsWith('.')) continue
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/')
      if (isShipped) unused.delete(name)
      if (isShipped && pure.has(layerOf(file.path, layers))) {
        findings.push({
          path: file.path,
          line,
          message: `imports ${specifier}: the pure layer ${layerOf(file.path, layers)} imports no package`,
        })
      } else if (!specifier.startsWith('node:') && name !== 'aspen' && !(isShipped ? shipped : all).has(name)) {
        findings.push({
          path: file.path,
          line,
          message: `imports ${name}, which package.json does not list${isShipped ? ' in dependencies' : ''}`,
        })
      }
    }
  }
  for (const name of unused)
    findings.push({ path: 'package.json', line: 1, message: `ships ${name}, which no file of src imports` })
  const page = tree.get('docs/dependencies.md') ?? ''
  for (const name of all) {
    if (!page.includes(`\`${name}\``))
      findings.push({ path: 'docs/dependencies.md', line: 1, message: `says nothing about ${name}` })
  }
  return findings
}

/** What a file may not contain, by what kind of file it is. */
export function checkContents(tree: Tree, layers: readonly Layer[] = LAYERS): Finding[] {
  const deterministic = new Set(layers.filter((layer) => layer.deterministic).map(({ name }) => name))
  const findings: Finding[] = []
  for (const { path, source, imports, isTest } of parseTree(tree)) {
    const { raw, code, comments } = source
    const add = (text: string, pattern: RegExp, say: (match: string) => string): void => {
      findings.push(...findPattern(path, text, pattern, say))
    }
    add(comments, /^[ \t]*\/\/\/\s*<reference/gm, () => 'has a reference directive, which would give every file its types')
    add(comments, UNFINISHED, (match) => `has a ${match}: finish it, or say in a sentence how things are`)
    add(code, /\bexport\s+default\b/g, () => 'has a default export: give it a name')
    const lines = raw.split('\n').length - 1
    if (lines > MAX_LINES)
      findings.push({ path, line: MAX_LINES + 1, message: `has ${lines} lines; at most ${MAX_LINES} are allowed` })
    if (isTest || path.startsWith('sim/'))
      add(code, /\bMath\.random\b/g, () => 'uses Math.random: draw from a seed, so that a failure can be repeated')
    if (!isTest && path.startsWith('src/') && deterministic.has(layerOf(path, layers))) {
      for (const { specifier, line } of imports) {
        if (AMBIENT_MODULES.test(specifier))
          findings.push({
            path,
            line,
            message: `imports ${specifier} in ${layerOf(path, layers)}: time and randomness come in through ports`,
          })
      }
      add(code, AMBIENT, (match) => `uses ${match} in ${layerOf(path, layers)}: time and randomness come in through ports`)
    }
    if (isTest) add(code, TEST_SWITCH, (match) => `switches tests off or singles one out: ${match}`)
    // The compiler rewrites the extension of an import, not that of a URL.
    if (path.startsWith('src/') && !isTest) {
      for (const match of code.matchAll(/\bnew\s+(?:URL|Worker)\s*\(\s*(?=['"])/g)) {
        const start = match.index + match[0].length
        const literal = /^(['"])(\.[^'"\n]*\.ts)\1/.exec(raw.slice(start))
        if (literal === null) continue
        findings.push({
          path,
          line: lineAt(raw, start),
          message: `loads ${literal[2] ?? ''} by URL: in the built package it ends in .js`,
        })
      }
    }
  }
  return findings
}

/** Names of files and folders, and tests that no script would run. */
export function checkNames(tree: Tree): Finding[] {
  const findings: Finding[] = []
  const add = (path: string, message: string): void => {
    findings.push({ path, line: 1, message })
  }
  for (const path of tree.keys()) {
    const parts = path.split('/')
    for (const part of parts) {
      const word = part.split('.')[0] ?? ''
      if (word.split('-').some((piece) => FORBIDDEN_NAMES.test(piece))) add(path, `is named ${part}: name it after what it holds`)
    }
    if (!path.endsWith('.ts')) continue
    if (!FILE_NAME.test(nameOf(path))) add(path, 'is not named in kebab-case')
    if (/\.(?:spec|tests?)\.ts$/.test(path) && !path.endsWith('.test.ts')) add(path, 'would not run: tests end in .test.ts')
    if (!path.endsWith('.test.ts')) continue
    if (!TEST_FOLDERS.some((folder) => parts[0] === folder)) add(path, `would not run: tests live in ${TEST_FOLDERS.join(', ')}`)
  }
  return findings
}

/** Nothing in the tree tells where it was made. */
export function checkPaths(tree: Tree): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of tree) {
    findings.push(...findPattern(path, text, MACHINE_PATH, (match) => `names a folder of one machine: ${match}`))
    if (nameOf(path) !== 'package-lock.json') continue
    findings.push(
      ...findPattern(path, text, /"resolved"/g, () => 'names a registry: install with omit-lockfile-registry-resolved=true'),
    )
  }
  return findings
}

const TABLE_BEGIN = '<!-- layers: printed from tools/tidy-layers.ts -->\n'
const TABLE_END = '<!-- end of layers -->'

/** ARCHITECTURE.md with the layer table as it is; undefined when it lacks the two marks. */
export function withLayerTable(page: string): string | undefined {
  const begin = page.indexOf(TABLE_BEGIN)
  const end = page.indexOf(TABLE_END)
  if (begin === -1 || end < begin) return undefined
  return `${page.slice(0, begin)}${TABLE_BEGIN}\n${renderLayerTable()}\n${page.slice(end)}`
}

/** ARCHITECTURE.md prints the layer table that is enforced. */
export function checkArchitecture(tree: Tree): Finding[] {
  const path = 'ARCHITECTURE.md'
  const page = tree.get(path) ?? ''
  const wanted = withLayerTable(page)
  if (wanted === undefined) return [{ path, line: 1, message: `lacks the marks around the layer table (${TABLE_BEGIN.trim()})` }]
  if (tableCells(page) === tableCells(wanted)) return []
  return [
    {
      path,
      line: lineAt(page, page.indexOf(TABLE_BEGIN)),
      message: 'prints another layer table than the one enforced: npm run fix',
    },
  ]
}

/** A formatter may pad the cells of a table; the words must be the same. */
const tableCells = (page: string): string => page.replace(/[ \t]+/g, ' ').replace(/-{3,}/g, '---')

export const RULES: readonly ((tree: Tree) => Finding[])[] = [
  checkLayers,
  checkImports,
  checkCycles,
  checkPackages,
  checkContents,
  checkNames,
  checkPaths,
  checkArchitecture,
]
