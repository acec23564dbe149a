/** The tokens of a node: the one of its settings, and those of a file that may change while it runs. */
import { statSync } from 'node:fs'
import { TokenTable } from '../../faces/http/index.ts'
import type { NamedToken } from '../../faces/http/index.ts'
import type { Clock, Logger, Tokens } from '../../ports/index.ts'
import { ConfigError } from '../config/index.ts'
import type { NodeConfig } from '../config/index.ts'
import { parseTokens } from './token-file.ts'
import { readSmallFile } from './small-file.ts'
import { WatchedFiles } from './watched-files.ts'

const OTHERS_MAY_ACCESS = 0o077

export interface OpenTokens {
  readonly tokens: Tokens
  close(): void
}

/** Null where no token is asked for. @throws ConfigError for a file that cannot be used */
export function openTokens(
  { httpToken, httpTokensFile }: Pick<NodeConfig, 'httpToken' | 'httpTokensFile'>,
  clock: Clock,
  logger: Logger,
): OpenTokens | null {
  const own: readonly NamedToken[] = httpToken === null ? [] : [{ name: 'http_token', scope: 'admin', token: httpToken }]
  if (httpTokensFile === null) return own.length === 0 ? null : { tokens: new TokenTable(own), close: () => undefined }
  const text = readFirst(httpTokensFile)
  const table = new TokenTable([...own, ...parseFirst(httpTokensFile, text)])
  warnOfMode(httpTokensFile, logger)
  const watch = new WatchedFiles({
    paths: [httpTokensFile],
    clock,
    texts: [text],
    changed: ([changed = '']) => {
      const tokens = parseTokens(changed)
      table.replace([...own, ...tokens])
      logger.log('info', 'the tokens of the HTTP API were read anew', { file: httpTokensFile, tokens: tokens.length })
      warnOfMode(httpTokensFile, logger)
    },
    failed: ({ message }) => {
      logger.log('error', 'the file of tokens cannot be used: those that were read before stay valid', {
        file: httpTokensFile,
        reason: message,
      })
    },
  })
  return { tokens: table, close: () => watch.stop() }
}

function readFirst(path: string): string {
  try {
    return readSmallFile(path)
  } catch (error) {
    throw new ConfigError(`http_tokens_file: ${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

function parseFirst(path: string, text: string): readonly NamedToken[] {
  try {
    return parseTokens(text)
  } catch (error) {
    throw new ConfigError(`http_tokens_file: ${path} cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

function warnOfMode(path: string, logger: Logger): void {
  // Windows has no such modes.
  if (process.platform === 'win32') return
  try {
    if ((statSync(path).mode & OTHERS_MAY_ACCESS) !== 0)
      logger.log('warn', 'the file of tokens can be read by others: chmod 600 it', { file: path })
  } catch {
    // It went away since: the next look says so.
  }
}
