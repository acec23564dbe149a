import { readFileSync } from 'node:fs'
import process from 'node:process'
import { ConfigError, loadConfig } from '../cluster/config/index.ts'
import type { LoadedConfig } from '../cluster/config/index.ts'
import { settleAfterStart } from './after-start.ts'
import { yieldToMainThread } from './background-threads.ts'
import { tuneEngine } from './engine-settings.ts'
import { EXIT } from './exit-code.ts'
import { runNode } from './node-program.ts'
import type { ProcessHost } from './node-program.ts'
import { currentProcess } from './process-host.ts'
import { PEERS, PEERS_HELP, readPeersArguments } from './peers-arguments.ts'
import type { PeersArguments } from './peers-arguments.ts'
import { readRejoinArguments, REJOIN, REJOIN_HELP } from './rejoin-arguments.ts'
import type { RejoinArguments } from './rejoin-arguments.ts'

/** The settings, and the flags of the command where one is given. */
type Settings =
  | (LoadedConfig & { readonly rejoin?: RejoinArguments })
  | { readonly kind: 'peers'; readonly peers: PeersArguments }

function loadSettings(argv: readonly string[]): Settings {
  const readFile = (path: string): string => readFileSync(path, 'utf8')
  const load = (flags: readonly string[]): LoadedConfig => loadConfig({ argv: flags, env: process.env, readFile })
  const own = argv.slice(1)
  const asksForHelp = own.includes('--help') || own.includes('-h')
  if (argv[0] === PEERS) {
    if (asksForHelp) return { kind: 'help', text: PEERS_HELP }
    return { kind: 'peers', peers: readPeersArguments(own, process.env, readFile) }
  }
  if (argv[0] !== REJOIN) return load(argv)
  if (asksForHelp) return { kind: 'help', text: REJOIN_HELP }
  const rejoin = readRejoinArguments(own)
  return { ...load(rejoin.rest), rejoin }
}

function readSettings(host: ProcessHost): Settings | undefined {
  try {
    return loadSettings(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    host.complain(`aspen-node: ${error.message}`)
    host.exit(EXIT.USAGE)
    return undefined
  }
}

async function main(host: ProcessHost): Promise<void> {
  const settings = readSettings(host)
  if (settings === undefined) return
  if (settings.kind === 'help') return host.print(settings.text.trimEnd())
  if (settings.kind === 'version') {
    const { packageVersion } = await import('../cluster/index.ts')
    return host.print(`aspen-node ${packageVersion()}`)
  }
  if (settings.kind === 'peers') {
    const { runPeers } = await import('./peers-program.ts')
    return runPeers(host, settings.peers)
  }
  const { config, warnings, rejoin } = settings
  // Only now: help and refusals need none of what a node is made of.
  const { createLogger } = await import('../cluster/index.ts')
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, nodeId: config.nodeId })
  for (const warning of warnings) logger.log('warn', warning)
  if (rejoin === undefined) {
    if (config.tuned) {
      tuneEngine()
      yieldToMainThread()
    }
    const { startNode } = await import('./start-node.ts')
    await runNode(host, config, logger, startNode)
    return config.tuned ? settleAfterStart() : undefined
  }
  const { runRejoin } = await import('./rejoin-program.ts')
  return runRejoin(host, config, rejoin, logger)
}

await main(currentProcess())
