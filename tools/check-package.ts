/**
 * Stages the package as users will get it, in a temporary folder, and checks it: every target of `exports` and `bin`
 * exists, no test and no source is shipped, and publint finds nothing to say. Leaves the checkout as it was.
 */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { build } from './build.ts'

export interface PackageManifest {
  readonly files: readonly string[]
  readonly bin: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}

/** Every file that `exports` and `bin` point at, without the leading `./`. */
export function targetsOf(manifest: PackageManifest): string[] {
  const targets = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))
  return [...targets, ...Object.values(manifest.bin)].map((target) => target.replace(/^\.\//, ''))
}

/** What is wrong with a package of these files, in sentences. */
export function findFaults(manifest: PackageManifest, files: readonly string[]): string[] {
  const faults: string[] = []
  for (const target of targetsOf(manifest)) {
    if (!files.includes(target)) faults.push(`package.json points at ${target}, which the package does not hold`)
  }
  for (const file of files) {
    if (/\.test\./.test(file)) faults.push(`the package would ship the test ${file}`)
    if (file.endsWith('.ts') && !file.endsWith('.d.ts'))
      faults.push(`the package would ship the source ${file}, which Node does not run there`)
  }
  return faults
}

/** Copies what `files` names, and what npm always adds, and compiles `dist/`. */
function stage(root: string, folder: string, manifest: PackageManifest): string[] {
  const faults: string[] = []
  for (const name of ['package.json', 'README.md', ...manifest.files]) {
    if (name === 'dist') continue
    if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true })
    else faults.push(`package.json ships ${name}, which does not exist`)
  }
  build(root, join(folder, 'dist'))
  return faults
}

async function checkPackage(root: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'aspen-package-'))
  try {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageManifest
    const faults = stage(root, folder, manifest)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'))
    faults.push(...findFaults(manifest, files))
    const { messages, pkg } = await publint({ pkgDir: folder, pack: false, strict: true })
    faults.push(...messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code))
    return faults
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  try {
    const faults = await checkPackage(join(import.meta.dirname, '..'))
    for (const fault of faults) console.error(fault)
    process.exitCode = faults.length === 0 ? 0 : 1
  } catch (error) {
    console.error(`check-package: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
