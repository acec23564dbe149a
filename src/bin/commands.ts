/** The words that may follow `aspen-node`, and what they do. Without one it runs a node. */
import { loadConfig } from '../cluster/config/index.ts'
import type { NodeConfig } from '../cluster/config/index.ts'
import type { Logger } from '../ports/index.ts'
import {
  BACKUP_HELP,
  readBackupArguments,
  readRestoreArguments,
  readVerifyArguments,
  RESTORE_HELP,
  VERIFY_BACKUP_HELP,
} from './backup-arguments.ts'
import type { Surroundings } from './node-access.ts'
import type { ProcessHost } from './node-program.ts'
import { PEERS_HELP, readPeersArguments } from './peers-arguments.ts'
import { readRecoverArguments, RECOVER_HELP } from './recover-arguments.ts'
import { readRejoinArguments, REJOIN_HELP } from './rejoin-arguments.ts'

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
    read(argv, surroundings) {
      const flags = readPeersArguments(argv, surroundings)
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
  backup: {
    help: BACKUP_HELP,
    read(argv, surroundings) {
      const flags = readBackupArguments(argv, surroundings)
      return async (host) => (await import('./backup-program.ts')).runBackup(host, flags)
    },
  },
  'verify-backup': {
    help: VERIFY_BACKUP_HELP,
    read(argv) {
      const file = readVerifyArguments(argv)
      return async (host) => (await import('./backup-program.ts')).runVerify(host, file)
    },
  },
  restore: {
    help: RESTORE_HELP,
    read(argv, surroundings) {
      const { from, rest } = readRestoreArguments(argv)
      return withNode(rest, surroundings, async (host, config) => {
        const { runRestore } = await import('./backup-program.ts')
        return runRestore(host, config, from)
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
