/**
 * `npm run tidy`: what the compiler and the linter cannot see. Prints one line per finding and exits 1 when there is one.
 * With `--fix` it first writes the layer table into ARCHITECTURE.md.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkBags } from './tidy-bags.ts'
import { checkBounds } from './tidy-bounds.ts'
import { RULES, type Tree, withLayerTable } from './tidy-rules.ts'
import { checkSwitches } from './tidy-switches.ts'

const SKIPPED = new Set(['node_modules', 'dist', 'data', '.git', '.tsbuild', 'coverage'])
const TEXT = /\.(?:ts|js|cjs|mjs|json|md|toml|yml|yaml|sh|lua|txt)$|(?:^|\/)(?:run|\.npmrc|\.gitignore|LICENSE-[A-Z]+)$/

/** The text files under a folder, without what is installed, built or written at run time. */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>()
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (SKIPPED.has(entry.name)) continue
      if (entry.isDirectory()) walk(path)
      else if (entry.isFile() && TEXT.test(path)) tree.set(path, readFileSync(join(root, path), 'utf8'))
    }
  }
  walk('')
  return tree
}

function main(root: string, fix: boolean): number {
  const page = join(root, 'ARCHITECTURE.md')
  const fixed = fix ? withLayerTable(readFileSync(page, 'utf8')) : undefined
  if (fixed !== undefined) writeFileSync(page, fixed)
  const tree = readTree(root)
  const findings = [...RULES, checkBags, checkBounds, checkSwitches].flatMap((rule) => rule(tree))
  for (const { path, line, message } of findings) console.log(`${path}:${line}: ${message}`)
  console.log(findings.length === 0 ? `tidy: ${tree.size} files are in order` : `tidy: ${findings.length} findings`)
  return findings.length === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = main(join(import.meta.dirname, '..'), process.argv.includes('--fix'))
