import type { NodeConfig } from '../cluster/config/index.ts'
import { ConfigError } from '../cluster/config/index.ts'
import { causesOf, explainListenError, findListenError, missingBinding } from '../cluster/index.ts'
import { LaterVersion } from '../commands/index.ts'
import { EXIT } from './exit-code.ts'

/** Whether it takes a later program to go on: this one would fail of it again. */
export function isLaterVersion(error: unknown): boolean {
  return [...causesOf(error)].some((found) => found instanceof LaterVersion)
}

export function startFailureCode(error: unknown): number {
  if (error instanceof ConfigError || missingBinding(error) !== undefined) return EXIT.USAGE
  return isLaterVersion(error) ? EXIT.LATER_VERSION : EXIT.FAILURE
}

/** Why a node did not start and what to do about it, in one paragraph. */
export function explainStartFailure(error: unknown, config: NodeConfig): string {
  const listenError = findListenError(error)
  if (listenError !== undefined) {
    const { isHttp, words } = explainListenError(listenError, config)
    return `${words}. Move it with ${isHttp ? '--http-addr HOST:PORT' : '--ractor-port PORT or --ractor-host HOST'}`
  }
  const missing = missingBinding(error)
  if (missing !== undefined) return missing.message
  return error instanceof Error ? error.message : String(error)
}
