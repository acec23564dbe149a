/** Child processes of the scripts: started plainly, ended by their own id and nobody else's. */
import { spawn } from 'node:child_process'
import type { ChildProcess, StdioOptions } from 'node:child_process'
import { cleanEnvironment } from './node-plan.ts'

export interface Child {
  readonly name: string
  readonly pid: number | undefined
  /** How it ended, in words, or undefined while it runs. */
  readonly ended: () => string | undefined
  /** Resolves with those words. */
  readonly exit: Promise<string>
  readonly kill: (signal: NodeJS.Signals) => void
  /** Standard output and error so far, where they are piped; at most the last 64 KB. */
  readonly output: () => string
}

const MAX_OUTPUT = 64 * 1024

function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with ${code}` : `was ended by ${signal}`
}

function collectOutput(child: ChildProcess): () => string {
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-MAX_OUTPUT)))
  }
  return () => text
}

/** Starts a program without a channel to it, and without the ASPEN_ variables of this process. */
export function startChild(name: string, command: readonly [string, ...string[]], stdio: StdioOptions): Child {
  const [program, ...args] = command
  const child = spawn(program, args, { stdio, env: cleanEnvironment(process.env) })
  const { promise, resolve } = Promise.withResolvers<string>()
  let ended: string | undefined
  const end = (how: string): void => {
    ended ??= how
    resolve(ended)
  }
  child.once('exit', (code, signal) => end(describeEnd(code, signal)))
  child.once('error', (error) => end(`could not be started: ${error.message}`))
  return {
    name,
    pid: child.pid,
    ended: () => ended,
    exit: promise,
    kill(signal) {
      if (ended === undefined) child.kill(signal)
    },
    output: collectOutput(child),
  }
}

/**
 * Asks the children to stop, waits up to `deadlineMs`, and kills what is left.
 * @returns the names of those that had to be killed
 */
export async function stopChildren(children: readonly Child[], deadlineMs: number): Promise<readonly string[]> {
  for (const child of children) child.kill('SIGTERM')
  const deadline = Promise.withResolvers<void>()
  const timer = setTimeout(deadline.resolve, deadlineMs)
  await Promise.race([Promise.all(children.map(({ exit }) => exit)), deadline.promise])
  clearTimeout(timer)
  const late = children.filter((child) => child.ended() === undefined)
  for (const child of late) child.kill('SIGKILL')
  await Promise.all(late.map(({ exit }) => exit))
  return late.map(({ name }) => name)
}
