/** Why a node in another program did not start: an AspenError with a stable code, whatever was thrown below. Its cause is the error itself. */
import { AspenError } from '../api/index.ts'
import { BindError } from '../net/index.ts'
import { isVolumeFull } from '../storage/index.ts'
import { ConfigError, formatHostPort } from './config/index.ts'
import type { NodeConfig } from './config/index.ts'

/** A refusal of the system to listen. */
export interface ListenError extends Error {
  readonly code: string
  readonly port: number
}

/** An error and what is behind it. A chain of causes is as long as there are layers; a cycle must not hang the report. */
export function* causesOf(error: unknown): Generator<Error> {
  let current = error
  for (let depth = 0; depth < 10 && current instanceof Error; depth++) {
    yield current
    current = current.cause
  }
}

/** The refusal to listen that is, or is behind, an error. */
export function findListenError(error: unknown): ListenError | undefined {
  for (const found of causesOf(error)) {
    const { code, port } = found as Partial<ListenError>
    if (typeof code === 'string' && typeof port === 'number') return found as ListenError
  }
  return undefined
}

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not listen there',
  ENOTFOUND: 'the name has no address',
}

/** What could not be had, where, and why; without what to do. */
export function explainListenError({ code, port, message }: ListenError, config: NodeConfig): { isHttp: boolean; words: string } {
  const reason = LISTEN_REASONS[code] ?? message
  const isHttp = port === config.httpAddr.port
  const what = isHttp
    ? `HTTP on ${formatHostPort(config.httpAddr)}`
    : `other nodes on ${formatHostPort({ host: config.ractorHost, port })}`
  return { isHttp, words: `cannot listen for ${what}: ${reason} (${code})` }
}

/** The node is to use iroh alone, and cannot have it: a setting that does not fit what is installed. */
export function missingBinding(error: unknown): ConfigError | undefined {
  const missing = [...causesOf(error)].find((found) => found instanceof BindError && found.code === 'NO_BINDING')
  if (missing === undefined) return undefined
  const words = 'transport is iroh, and its binding is not installed, or not for this platform'
  return new ConfigError(`${words} (${missing.message}): install @number0/iroh, or give auto or direct`)
}

/** @returns an AspenError or a ConfigError */
export function startError(error: unknown, config: NodeConfig): Error {
  if (error instanceof AspenError || error instanceof ConfigError) return error
  const missing = missingBinding(error)
  if (missing !== undefined) return missing
  const refused = findListenError(error)
  if (refused !== undefined) {
    const { isHttp, words } = explainListenError(refused, config)
    const advice = isHttp ? 'give another httpAddr' : 'give another ractorPort or ractorHost'
    return new AspenError('CANNOT_LISTEN', `${words}: ${advice}`, { reason: refused.code, port: refused.port }, { cause: error })
  }
  const code = [...causesOf(error)].some(isVolumeFull) ? 'DISK_FULL' : 'CANNOT_START'
  return new AspenError(
    code,
    error instanceof Error ? error.message : String(error),
    { data_dir: config.dataDir },
    { cause: error },
  )
}
