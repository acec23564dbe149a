import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { ConfigError, loadConfig } from '../cluster/config/index.ts'
import type { LoadedConfig } from '../cluster/config/index.ts'
import { EXIT } from './exit-code.ts'
import { runNode } from './node-program.ts'
import type { ProcessHost } from './node-program.ts'
import { currentProcess } from './process-host.ts'

/** In a checkout every start strips types and compiles anew, which takes longer than all the rest of a start. */
function cacheCompiledSources(): void {
  if (import.meta.url.endsWith('.ts'))
    enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/aspen', import.meta.url)))
}

function readSettings(host: ProcessHost): LoadedConfig | undefined {
  try {
    const readFile = (path: string): string => readFileSync(path, 'utf8')
    return loadConfig({ argv: process.argv.slice(2), env: process.env, readFile })
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
  const { config, warnings } = settings
  cacheCompiledSources()
  // Only now: help and refusals need none of what a node is made of.
  const [{ createLogger }, { startNode }] = await Promise.all([import('../cluster/index.ts'), import('./start-node.ts')])
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, nodeId: config.nodeId })
  for (const warning of warnings) logger.log('warn', warning)
  await runNode(host, config, logger, startNode)
}

await main(currentProcess())
