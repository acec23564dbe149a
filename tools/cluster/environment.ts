/** What `npm run cluster` reads from its environment. */
import { completeConfig, ConfigError, knownVariables } from '../../src/cluster/config/index.ts'
import type { Environment, StorageBackend } from '../../src/cluster/config/index.ts'
import { MAX_VOTERS } from '../../src/limits.ts'

export interface ClusterSettings {
  readonly nodeCount: number
  readonly storage: StorageBackend
  /** Node i listens for HTTP on the base plus i - 1. */
  readonly baseHttp: number
  /** Node i listens for other nodes on the base plus i - 1. */
  readonly baseRactor: number
  /** Undefined: a fresh temporary folder. */
  readonly dataDir: string | undefined
  /** Undefined: the default cookie. */
  readonly cookie: string | undefined
  /** About variables that no program reads. */
  readonly warnings: readonly string[]
}

export const CLUSTER_HELP = `Starts some nodes on loopback, makes them one cluster, prints where they listen, and stops them at Ctrl-C.
It takes no flags; these variables change it:

  ASPEN_NODE_COUNT    how many nodes, 1 to ${MAX_VOTERS} (default 3)
  ASPEN_STORAGE       sqlite, durable, or inmemory (default sqlite)
  ASPEN_BASE_HTTP     HTTP port of node 1; node 2 has the next, and so on (default 21001)
  ASPEN_BASE_RACTOR   the same for links between nodes (default 26001)
  ASPEN_DATA_DIR      a folder that is kept (default: a temporary one, removed at the end)
  ASPEN_COOKIE        the secret of the cluster (default aspen-cookie)

For one node, see: npm run -s aspen-node -- --help`

const MAX_PORT = 65_535

function wholeNumber(env: Environment, name: string, preset: number, min: number, max: number): number {
  const text = env[name]
  if (text === undefined) return preset
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new ConfigError(
    `environment variable ${name}: ${JSON.stringify(text)} is not allowed: give a whole number from ${min} to ${max}`,
  )
}

function storageOf(env: Environment): StorageBackend {
  const text = env.ASPEN_STORAGE ?? 'sqlite'
  const kinds: Readonly<Record<string, StorageBackend>> = { sqlite: 'Sqlite', inmemory: 'InMemory' }
  const kind = kinds[text.toLowerCase()]
  if (kind !== undefined) return kind
  throw new ConfigError(`environment variable ASPEN_STORAGE: ${JSON.stringify(text)} is not allowed: give sqlite or inmemory`)
}

function cookieOf(env: Environment): string | undefined {
  const cookie = env.ASPEN_COOKIE
  if (cookie === undefined) return undefined
  // It reaches the nodes in a file, and what stands around it there is not part of it.
  if (cookie !== cookie.trim()) throw new ConfigError('environment variable ASPEN_COOKIE begins or ends with a blank: remove it')
  try {
    return completeConfig({ nodeId: 1, cookie }).cookie
  } catch (error) {
    throw new ConfigError('environment variable ASPEN_COOKIE: give 1 to 1024 characters without control characters', {
      cause: error,
    })
  }
}

/** @throws ConfigError that names the variable */
export function readClusterSettings(variables: Environment): ClusterSettings {
  const { known: env, warnings } = knownVariables(variables)
  const nodeCount = wholeNumber(env, 'ASPEN_NODE_COUNT', 3, 1, MAX_VOTERS)
  const lastBase = MAX_PORT - nodeCount + 1
  const baseHttp = wholeNumber(env, 'ASPEN_BASE_HTTP', 21_001, 1, lastBase)
  const baseRactor = wholeNumber(env, 'ASPEN_BASE_RACTOR', 26_001, 1, lastBase)
  if (Math.abs(baseHttp - baseRactor) < nodeCount) {
    throw new ConfigError(
      `ASPEN_BASE_HTTP ${baseHttp} and ASPEN_BASE_RACTOR ${baseRactor} are too close for ${nodeCount} nodes: ` +
        `set them at least ${nodeCount} apart`,
    )
  }
  return {
    nodeCount,
    storage: storageOf(env),
    baseHttp,
    baseRactor,
    dataDir: env.ASPEN_DATA_DIR,
    cookie: cookieOf(env),
    warnings,
  }
}
