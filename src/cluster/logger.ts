import { createRequire } from 'node:module'
import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { prettyFactory as PrettyFactory } from 'pino-pretty'
import type { Logger, LogLevel } from '../ports/index.ts'
import type { LogFormat } from './config/index.ts'
import { standardError } from './output/index.ts'
import type { OutputChannel } from './output/index.ts'

export interface LoggerOptions {
  /** The least severe level that is written. */
  readonly level: LogLevel
  readonly format: LogFormat
  /** Stands in every line as `node_id`. */
  readonly nodeId: number
  /** Where lines go; standard error when absent. */
  readonly destination?: OutputChannel
}

/** Facts under these names are never written, wherever the whole of a configuration or of a request gets into a line. */
const SECRET_KEYS = ['cookie', 'token', 'httpToken', 'authorization']

// The names that a line has of its own.
const RESERVED_KEYS = new Set(['level', 'time', 'node_id', 'msg'])

/** The convention of https://no-color.org, and terminals that know no colours. */
function wantsColor(isTerminal: boolean): boolean {
  return isTerminal && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

/** Lines for people. The formatter is loaded with the first line: most of a start passes without one. */
function prettyStream(output: OutputChannel): DestinationStream {
  let format: ((line: string) => string) | undefined
  return {
    write(line: string): void {
      format ??= createPrettifier(wantsColor(output.isTerminal))
      output.write(format(line))
    },
  }
}

function createPrettifier(colorize: boolean): (line: string) => string {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as { readonly prettyFactory: typeof PrettyFactory }
  return prettyFactory({
    colorize,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    ignore: 'node_id',
    messageFormat: 'node {node_id}: {msg}',
  })
}

/** An error as facts; its stack tells where, which its message does not. */
function errorFacts(error: Error): object {
  const { name, message, stack, cause } = error
  const code = (error as { readonly code?: unknown }).code
  return {
    name,
    message,
    ...(code === undefined ? {} : { code }),
    stack,
    ...(cause instanceof Error ? { cause: errorFacts(cause) } : {}),
  }
}

function lineFacts(facts: Readonly<Record<string, unknown>>, nodeId: number): Record<string, unknown> {
  const { node_id: about, ...others } = facts
  // Every line says which node it comes from; a fact of that name is news only when it is about another one.
  const news = about === undefined || about === nodeId ? others : facts
  return Object.fromEntries(
    Object.entries(news).map(([key, value]) => [
      RESERVED_KEYS.has(key) ? `fact_${key}` : key,
      value instanceof Error ? errorFacts(value) : value,
    ]),
  )
}

function isPretty(format: LogFormat, output: OutputChannel): boolean {
  return format === 'auto' ? output.isTerminal : format === 'pretty'
}

/**
 * A logger that writes one line an event to standard error, as JSON or for people. It never waits for whoever reads: what
 * finds no room is dropped, and a later line says how many were.
 */
export function createLogger(options: LoggerOptions): Logger {
  const output = options.destination ?? standardError()
  const settings = {
    level: options.level,
    base: { node_id: options.nodeId },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[secret]' },
  }
  const lines = pino(settings, isPretty(options.format, output) ? prettyStream(output) : output)
  const logger: Logger = {
    log(level, message, facts) {
      if (facts === undefined) lines[level](message)
      else if (lines.isLevelEnabled(level)) lines[level](lineFacts(facts, options.nodeId), message)
    },
  }
  output.onFlowing((dropped) =>
    logger.log('warn', 'lines of this log were dropped, because nobody read them in time', { dropped }),
  )
  return logger
}
