import { ConfigError } from './config-error.ts'
import { isLoopback } from './host-port.ts'
import type { NodeConfig } from './node-config.ts'
import { SETTINGS } from './settings.ts'

/** Where a field's value came from, in words. */
export type SourceOf = (field: keyof NodeConfig) => string

export const DEFAULT_COOKIE: string = SETTINGS.find(({ field }) => field === 'cookie')?.default as string

type Interval = 'heartbeatIntervalMs' | 'electionTimeoutMinMs' | 'electionTimeoutMaxMs'

/** `less` must stay below `more`. */
function checkBelow(config: NodeConfig, sourceOf: SourceOf, less: Interval, more: Interval): void {
  if (config[less] < config[more]) return
  const name = (field: keyof NodeConfig): string => SETTINGS.find((setting) => setting.field === field)?.name ?? field
  throw new ConfigError(
    `${name(less)} is ${config[less]} (${sourceOf(less)}) and ${name(more)} is ${config[more]} (${sourceOf(more)}): ` +
      `the first must be less than the second`,
  )
}

function checkPeers(config: NodeConfig, sourceOf: SourceOf): void {
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
function checkExposure(config: NodeConfig, sourceOf: SourceOf): void {
  const open = [
    { field: 'httpAddr', name: 'http_addr', host: config.httpAddr.host },
    { field: 'ractorHost', name: 'ractor_host', host: config.ractorHost },
  ] as const
  for (const { field, name, host } of open) {
    if (isLoopback(host) || config.cookie !== DEFAULT_COOKIE) continue
    throw new ConfigError(
      `${name} is ${host} (${sourceOf(field)}), and the cookie is the default one, which everybody knows: ` +
        `give a cookie of your own with --cookie-file, or bind to 127.0.0.1`,
    )
  }
  if (!isLoopback(config.httpAddr.host) && config.httpToken === null && !config.insecure) {
    throw new ConfigError(
      `http_addr is ${config.httpAddr.host} (${sourceOf('httpAddr')}), and requests from other machines need no token: ` +
        `give one with --http-token-file, allow this with --insecure, or bind to 127.0.0.1`,
    )
  }
}

/** Port 0 is a different free port each time. */
function checkPorts({ httpAddr, ractorHost, ractorPort }: NodeConfig, sourceOf: SourceOf): void {
  if (ractorPort === 0 || ractorPort !== httpAddr.port || ractorHost !== httpAddr.host) return
  throw new ConfigError(
    `http_addr (${sourceOf('httpAddr')}) and ractor_port (${sourceOf('ractorPort')}) are both port ${ractorPort} of ${ractorHost}: ` +
      `give two ports`,
  )
}

/** A node could not do what it is asked. */
function checkAvailable({ transport }: NodeConfig, sourceOf: SourceOf): void {
  if (transport !== 'iroh') return
  throw new ConfigError(`transport is iroh (${sourceOf('transport')}), which this version does not have: give auto or direct`)
}

/** Checks what holds between settings. @throws ConfigError that names the settings at odds and their sources */
export function checkRelations(config: NodeConfig, sourceOf: SourceOf): void {
  checkBelow(config, sourceOf, 'electionTimeoutMinMs', 'electionTimeoutMaxMs')
  checkBelow(config, sourceOf, 'heartbeatIntervalMs', 'electionTimeoutMinMs')
  checkPorts(config, sourceOf)
  checkPeers(config, sourceOf)
  checkExposure(config, sourceOf)
  checkAvailable(config, sourceOf)
}
