/** One node as the scripts start it: where it listens, what it keeps, and the command line that says so. */
import { fileURLToPath } from 'node:url'
import type { StorageBackend } from '../../src/cluster/config/index.ts'

export interface NodePlan {
  readonly nodeId: number
  readonly httpPort: number
  readonly ractorPort: number
  /** Absolute. */
  readonly dataDir: string
  readonly storage: StorageBackend
  /** The flags that give the cookie. */
  readonly cookie: readonly string[]
  /** Each `ID@ENDPOINT_ID:HOST:PORT`. */
  readonly peers: readonly string[]
  /** Whether it looks for others on the local network, and lets itself be found; without it, it meets nobody whom it was not told of. */
  readonly mdns?: boolean
  /** Flags beside these. */
  readonly more: readonly string[]
}

export const PROGRAM = fileURLToPath(new URL('../../bin/aspen-node.cjs', import.meta.url))
export const LOOPBACK = '127.0.0.1'

export function nodeUrl({ httpPort }: Pick<NodePlan, 'httpPort'>): string {
  return `http://${LOOPBACK}:${httpPort}`
}

/** The program and its arguments: all of a node's settings, so that the same line starts the same node again. */
export function nodeCommand(plan: NodePlan): readonly [program: string, ...args: string[]] {
  return [
    process.execPath,
    PROGRAM,
    '--node-id',
    String(plan.nodeId),
    '--http-addr',
    `${LOOPBACK}:${plan.httpPort}`,
    '--ractor-port',
    String(plan.ractorPort),
    '--data-dir',
    plan.dataDir,
    '--storage-backend',
    plan.storage,
    ...(plan.mdns === true ? [] : ['--no-enable-mdns']),
    ...plan.cookie,
    ...plan.peers.flatMap((peer) => ['--peers', peer]),
    ...plan.more,
  ]
}

/** Words as a POSIX shell reads them back. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ')
}

/** The environment without what would configure a node: its command line says it all. */
export function cleanEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ASPEN_')))
}
