import { ConfigError } from './config-error.ts'
import { isLoopback } from './host-port.ts'
import type { NodeConfig } from './node-config.ts'
import { SETTINGS } from './settings.ts'

/** Where a field's value came from, in words. */
export type SourceOf = (field: keyof NodeConfig) => string

/** How settings are called: a program has no flags, but options. */
interface Wording {
  readonly sourceOf: SourceOf
  readonly nameOf: (field: keyof NodeConfig) => string
  readonly isLibrary: boolean
}

export const DEFAULT_COOKIE: string = SETTINGS.find(({ field }) => field === 'cookie')?.default as string

type Interval = 'heartbeatIntervalMs' | 'electionTimeoutMinMs' | 'electionTimeoutMaxMs'

/** `less` must stay below `more`. */
function checkBelow(config: NodeConfig, { sourceOf, nameOf }: Wording, less: Interval, more: Interval): void {
  if (config[less] < config[more]) return
  throw new ConfigError(
    `${nameOf(less)} is ${config[less]} (${sourceOf(less)}) and ${nameOf(more)} is ${config[more]} (${sourceOf(more)}): ` +
      `the first must be less than the second`,
  )
}

function checkPeers(config: NodeConfig, { sourceOf }: Wording): void {
  const byId = new Map<number, string>()
  const byEndpoint = new Map<string, number>()
  for (const { nodeId, endpointId } of config.peers) {
    const otherEndpoint = byId.get(nodeId)
    if (otherEndpoint !== undefined && otherEndpoint !== endpointId) {
      throw new ConfigError(
        `${sourceOf('peers')}: peer ${nodeId} has two endpoint ids, ${otherEndpoint} and ${endpointId}: give one`,
      )
    }
    const otherId = byEndpoint.get(endpointId)
    if (otherId !== undefined && otherId !== nodeId) {
      throw new ConfigError(`${sourceOf('peers')}: peers ${otherId} and ${nodeId} have one endpoint id, ${endpointId}: give one`)
    }
    byId.set(nodeId, endpointId)
    byEndpoint.set(endpointId, nodeId)
  }
}

/** A well-known cookie or an open HTTP port must not be reachable from other machines. */
function checkExposure(config: NodeConfig, { sourceOf, nameOf, isLibrary }: Wording): void {
  const open = [
    { field: 'httpAddr', host: config.httpAddr.host },
    { field: 'ractorHost', host: config.ractorHost },
  ] as const
  for (const { field, host } of open) {
    if (isLoopback(host) || config.cookie !== DEFAULT_COOKIE) continue
    throw new ConfigError(
      `${nameOf(field)} is ${host} (${sourceOf(field)}), and the cookie is the default one, which everybody knows: ` +
        `give a cookie of your own${isLibrary ? '' : ' with --cookie-file'}, or bind to 127.0.0.1`,
    )
  }
  if (!isLoopback(config.httpAddr.host) && config.httpToken === null && config.httpTokensFile === null && !config.insecure) {
    throw new ConfigError(
      `${nameOf('httpAddr')} is ${config.httpAddr.host} (${sourceOf('httpAddr')}), and requests from other machines need no token: ` +
        `give ${isLibrary ? 'httpToken, allow this with insecure' : 'one with --http-token-file, allow this with --insecure'}, or bind to 127.0.0.1`,
    )
  }
}

/** Port 0 is a different free port each time. */
function checkPorts({ httpAddr, ractorHost, ractorPort }: NodeConfig, { sourceOf, nameOf }: Wording): void {
  if (ractorPort === 0 || ractorPort !== httpAddr.port || ractorHost !== httpAddr.host) return
  throw new ConfigError(
    `${nameOf('httpAddr')} (${sourceOf('httpAddr')}) and ${nameOf('ractorPort')} (${sourceOf('ractorPort')}) are both port ${ractorPort} of ${ractorHost}: ` +
      `give two ports`,
  )
}

/** Links over TLS alone go through no relay. */
function checkRelays({ transport, irohRelayUrls }: NodeConfig, { sourceOf, nameOf }: Wording): void {
  if (transport !== 'direct' || irohRelayUrls.length === 0) return
  throw new ConfigError(
    `${nameOf('transport')} is direct (${sourceOf('transport')}) and ${nameOf('irohRelayUrls')} (${sourceOf('irohRelayUrls')}) names relays, ` +
      `which only iroh uses: give auto or iroh, or no relays`,
  )
}

/** Checks what holds between settings. @throws ConfigError that names the settings at odds and their sources */
export function checkRelations(config: NodeConfig, sourceOf: SourceOf, isLibrary = false): void {
  const named = (field: keyof NodeConfig): string => SETTINGS.find((setting) => setting.field === field)?.name ?? field
  const wording = { sourceOf, isLibrary, nameOf: (field: keyof NodeConfig) => (isLibrary ? field : named(field)) }
  checkBelow(config, wording, 'electionTimeoutMinMs', 'electionTimeoutMaxMs')
  checkBelow(config, wording, 'heartbeatIntervalMs', 'electionTimeoutMinMs')
  checkPorts(config, wording)
  checkPeers(config, wording)
  checkExposure(config, wording)
  checkRelays(config, wording)
}
