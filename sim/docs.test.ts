/** docs/simulation.md says nothing that does not run. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseOptions } from './options.ts'
import { PROFILES } from './weather.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(ROOT, 'docs/simulation.md'), 'utf8')

const folder = mkdtempSync(join(tmpdir(), 'aspen-docs-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1]
  return found ?? assert.fail(`docs/simulation.md has no block of ${language}`)
}

test('docs/simulation.md: its commands are those that npm run sim takes', () => {
  const commands = [...block('sh').matchAll(/^npm run sim -- ([^#\n]+)/gm)].map(([, args = '']) => args.trim().split(/\s+/))
  assert.ok(commands.length >= 5)
  for (const args of commands) parseOptions(args)
  for (const profile of PROFILES) assert.ok(PAGE.includes(`| \`${profile}\``), `${profile} is not described`)
})

test('docs/simulation.md: its example runs', async () => {
  const source = block('ts')
  assert.match(source, /seeds: 50/)
  const program = source
    .replace("'aspen/testing'", JSON.stringify(join(ROOT, 'src/testing/index.ts')))
    .replace('seeds: 50', 'seeds: 3')
  const file = join(folder, 'example.mts')
  writeFileSync(file, program)
  await import(file)
})
