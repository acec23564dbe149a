/**
 * `npm run check`: everything that can be said about the tree without running it. It changes nothing, runs every step
 * even when one fails, and shows the output of those that did.
 */
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { takeNoArguments } from './no-arguments.ts'

interface Step {
  readonly name: string
  /** A program of node_modules/.bin, or `node`. */
  readonly command: readonly [string, ...string[]]
}

interface Outcome extends Step {
  readonly ok: boolean
  readonly output: string
  readonly tookMs: number
}

const STEPS: readonly Step[] = [
  { name: 'package: builds, and holds what it says', command: ['node', 'tools/check-package.ts'] },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'types of the pure layers, without Node', command: ['tsc', '-p', 'tsconfig.pure.json', '--noEmit'] },
  { name: 'lint', command: ['oxlint', '--deny-warnings', '--format=unix'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'tidy: layers, names, contents', command: ['node', 'tools/tidy.ts'] },
]

function runStep(root: string, step: Step): Promise<Outcome> {
  const [program, ...args] = step.command
  const path = program === 'node' ? process.execPath : join(root, 'node_modules/.bin', program)
  const started = performance.now()
  return new Promise((resolve) => {
    let output = ''
    const finish = (ok: boolean): void => resolve({ ...step, ok, output, tookMs: performance.now() - started })
    const child = spawn(path, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', (error) => {
      output += `${path} did not start: ${error.message}. Run npm install first.\n`
      finish(false)
    })
    child.on('close', (code) => finish(code === 0))
  })
}

/** Runs the steps, as many at a time as there are processors, and prints each as it ends. */
async function check(root: string, steps: readonly Step[]): Promise<boolean> {
  const waiting = [...steps]
  let sound = true
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const { name, ok, output, tookMs } = await runStep(root, step)
      sound &&= ok
      console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${(tookMs / 1000).toFixed(1)} s)`)
      if (!ok) console.log(output.trimEnd().replace(/^/gm, '     '))
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker))
  return sound
}

if (import.meta.main) {
  takeNoArguments('check', 'Checks types, lint, format, layers, build and package. Changes nothing.')
  process.exitCode = (await check(join(import.meta.dirname, '..'), STEPS)) ? 0 : 1
}
