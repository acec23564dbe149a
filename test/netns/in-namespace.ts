/**
 * Runs programs in a network namespace of their own, which has loopback and nothing else, and in which they may make interfaces, bridges and
 * hosts as they like: nothing of it touches the network of the machine, and all of it is gone when they end.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
const UP = 'ip link set lo up && exec "$0" "$@"'
/** As root, or as a user who may map itself to root. */
const WAYS = [
  ['unshare', '--net', '--', 'sh', '-c', UP],
  ['unshare', '--map-root-user', '--net', '--', 'sh', '-c', UP],
] as const
const PAIR = 'ip link add probe0 type veth peer name probe1 && ip link add probe2 type bridge'

function findWay(): readonly string[] | undefined {
  return WAYS.find(([command, ...args]) => spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0)
}

/** Why there are no namespaces here, in words for whoever reads the results; undefined when there are. */
export function whyNoNamespaces(): string | undefined {
  if (spawnSync('ip', ['-V'], { stdio: 'ignore' }).status !== 0) return 'there is no program ip here: install iproute2'
  return findWay() === undefined ? 'no network namespace can be made here: run as root, or allow user namespaces' : undefined
}

/** The same for hosts on bridges. */
export function whyNoHosts(): string | undefined {
  const why = whyNoNamespaces()
  if (why !== undefined) return why
  const [command = '', ...rest] = findWay() ?? []
  const { status } = spawnSync(command, [...rest, 'sh', '-c', PAIR], { stdio: 'ignore' })
  return status === 0 ? undefined : 'the kernel here has no virtual interfaces (veth) or no bridges'
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

/** Runs a file of tests in a namespace; gives what the runner prints. */
export function testInNamespace(file: string, timeoutMs: number): string {
  return runInNamespace(['--test', '--test-isolation=none', '--test-reporter=spec', file], timeoutMs)
}
