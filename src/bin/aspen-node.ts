import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { ConfigError } from '../cluster/config/index.ts'
import type { NodeConfig } from '../cluster/config/index.ts'
import type { Logger } from '../ports/index.ts'
import { settleAfterStart } from './after-start.ts'
import { yieldToMainThread } from './background-threads.ts'
import { COMMANDS, withNode } from './commands.ts'
import type { Run } from './commands.ts'
import { tuneEngine } from './engine-settings.ts'
import { EXIT } from './exit-code.ts'
import { runNode } from './node-program.ts'
import type { ProcessHost } from './node-program.ts'
import { currentProcess } from './process-host.ts'

async function node(host: ProcessHost, config: NodeConfig, logger: Logger): Promise<void> {
  if (config.tuned) {
    tuneEngine()
    yieldToMainThread()
  }
  const { startNode } = await import('./start-node.ts')
  await runNode(host, config, logger, startNode)
  if (config.tuned) settleAfterStart()
}

const NEW_COOKIE = '--new-cookie'
const COOKIE_BYTES = 16

/** One that cannot be guessed, in characters that need no quotes anywhere. @throws ConfigError where anything else is asked for */
function newCookie(argv: readonly string[]): Run {
  if (argv.length > 1) throw new ConfigError(`flag ${NEW_COOKIE} stands alone: it prints a cookie, and starts nothing`)
  return (host) => host.print(randomBytes(COOKIE_BYTES).toString('hex'))
}

function readCommand(argv: readonly string[]): Run {
  const surroundings = { env: process.env, readFile: (path: string): string => readFileSync(path, 'utf8') }
  const [word = '', ...own] = argv
  if (argv.includes(NEW_COOKIE)) return newCookie(argv)
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  if (command === undefined && /^[a-z][a-z-]*$/.test(word))
    throw new ConfigError(
      `"${word}" is no command: there are ${Object.keys(COMMANDS).join(', ')}; without one, settings are given as flags`,
    )
  if (command === undefined) return withNode(argv, surroundings, node)
  if (own.includes('--help') || own.includes('-h')) return (host) => host.print(command.help.trimEnd())
  return command.read(own, surroundings)
}

async function main(host: ProcessHost): Promise<void> {
  let run: Run
  try {
    run = readCommand(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    host.complain(`aspen-node: ${error.message}`)
    host.exit(EXIT.USAGE)
    return
  }
  await run(host)
}

await main(currentProcess())
