/**
 * Runs test files in a network namespace of their own, which has loopback and nothing else: an iroh endpoint asks the network that it
 * finds itself in for a mapped port (UPnP, NAT-PMP), whatever it is bound to, and its binding has no switch for that.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const UP = 'ip link set lo up && exec "$0" "$@"'
/** As root, or as a user who may map itself to root. */
const WAYS = [
  ['unshare', '--net', '--', 'sh', '-c', UP],
  ['unshare', '--map-root-user', '--net', '--', 'sh', '-c', UP],
] as const

function findWay(): readonly string[] | undefined {
  return WAYS.find(([command, ...args]) => spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0)
}

function hasBinding(): boolean {
  try {
    createRequire(import.meta.url)('@number0/iroh/index.js')
    return true
  } catch {
    return false
  }
}

/** Why iroh cannot be tested here, in words for whoever reads the results; undefined when it can. */
export function whyNotHere(): string | undefined {
  if (!hasBinding()) return 'the binding of iroh is not installed, or not for this platform'
  return findWay() === undefined ? 'no network namespace can be made here: run as root, or allow user namespaces' : undefined
}

/** Runs a program of Node in a namespace. @throws Error with what it said when it fails */
export function runInNamespace(args: readonly string[], timeoutMs: number): string {
  const [command = '', ...rest] = findWay() ?? []
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const options = { cwd: ROOT, env, encoding: 'utf8', timeout: timeoutMs, maxBuffer: 2 ** 26 } as const
  const { status, signal, stdout, stderr } = spawnSync(command, [...rest, process.execPath, ...args], options)
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status ?? signal}:\n${stdout}\n${stderr}`)
  return stdout
}

/** Runs a file of tests in a namespace. */
export function testInNamespace(file: string, timeoutMs: number): string {
  return runInNamespace(['--test', '--test-isolation=none', '--test-reporter=spec', join('test/iroh', file)], timeoutMs)
}
