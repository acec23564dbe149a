/**
 * `npm run build`: compiles `src/` into JavaScript with declarations, into `dist/` or the folder given. Node strips types
 * in a checkout but never below `node_modules`, so this is what users install.
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { takeNoArguments } from './no-arguments.ts'

/**
 * Empties `outDir` and compiles into it. The compiler's messages go to this process's output.
 * @throws Error when the sources do not compile
 */
export function build(root: string, outDir: string): void {
  rmSync(outDir, { recursive: true, force: true })
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const { status, error } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir], {
    cwd: root,
    stdio: 'inherit',
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`the sources do not compile (tsc ended with ${status ?? 'a signal'})`)
}

if (import.meta.main) {
  if (/^-|^help$/.test(process.argv[2] ?? ''))
    takeNoArguments('build', 'Compiles src/ into dist/, or into the folder that is named.')
  const root = join(import.meta.dirname, '..')
  try {
    build(root, resolve(root, process.argv[2] ?? 'dist'))
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
