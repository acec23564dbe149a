/** The words that may follow `aspen-node`, and what they do. Without one it runs a node. */
import { loadConfig } from '../cluster/config/index.ts'
import type { Environment, NodeConfig } from '../cluster/config/index.ts'
import type { Logger } from '../ports/index.ts'
import type { ProcessHost } from './node-program.ts'
import { PEERS_HELP, readPeersArguments } from './peers-arguments.ts'
import { readRecoverArguments, RECOVER_HELP } from './recover-arguments.ts'
import { readRejoinArguments, REJOIN_HELP } from './rejoin-arguments.ts'

export interface Surroundings {
  readonly env: Environment
  readonly readFile: (path: string) => string
}

/** Resolves, or returns, once the process has been told to exit. */
export type Run = (host: ProcessHost) => Promise<void> | void

export interface Command {
  readonly help: string
  /** @param argv what follows its word @throws ConfigError */
  read(argv: readonly string[], surroundings: Surroundings): Run
}

type RunNode = (host: ProcessHost, config: NodeConfig, logger: Logger) => Promise<void> | void

export const COMMANDS: Readonly<Record<string, Command>> = {
  peers: {
    help: PEERS_HELP,
    read(argv, { env, readFile }) {
      const flags = readPeersArguments(argv, env, readFile)
      return async (host) => (await import('./peers-program.ts')).runPeers(host, flags)
    },
  },
  rejoin: {
    help: REJOIN_HELP,
    read(argv, surroundings) {
      const flags = readRejoinArguments(argv)
      return withNode(flags.rest, surroundings, async (host, config, logger) => {
        const { runRejoin } = await import('./rejoin-program.ts')
        return runRejoin(host, config, flags, logger)
      })
    },
  },
  recover: {
    help: RECOVER_HELP,
    read(argv, surroundings) {
      const flags = readRecoverArguments(argv)
      return withNode(flags.rest, surroundings, async (host, config) => {
        const { runRecover } = await import('./recover-program.ts')
        return runRecover(host, config, flags)
      })
    },
  },
}

/** A command that has the settings of a node, and its logger. @throws ConfigError */
export function withNode(argv: readonly string[], { env, readFile }: Surroundings, run: RunNode): Run {
  const loaded = loadConfig({ argv, env, readFile })
  if (loaded.kind === 'help') return (host) => host.print(loaded.text.trimEnd())
  if (loaded.kind === 'version') {
    return async (host) => host.print(`aspen-node ${(await import('../cluster/index.ts')).packageVersion()}`)
  }
  const { config, warnings } = loaded
  return async (host) => {
    // Only now: help and refusals need none of what a node is made of.
    const { createLogger } = await import('../cluster/index.ts')
    const logger = createLogger({ level: config.logLevel, format: config.logFormat, nodeId: config.nodeId })
    for (const warning of warnings) logger.log('warn', warning)
    return run(host, config, logger)
  }
}
