/**
 * The HTTP face of a node in this process: the program has it, and an embedded node that asks for it. Loaded only then, for a node without
 * one needs nothing of what it is made of.
 */
import { createHttpServer, PrometheusMetrics } from '../faces/http/index.ts'
import type { NodeService } from '../node/index.ts'
import { systemClock } from '../net/index.ts'
import type { Logger, Metrics } from '../ports/index.ts'
import { backupOf } from './backup/index.ts'
import { ConfigError } from './config/index.ts'
import type { NodeConfig } from './config/index.ts'
import { descriptorLimit, planDescriptors } from './descriptors.ts'
import { openTls, openTokens } from './trust/index.ts'

/** How long requests in flight may take to finish when the node stops, in milliseconds. */
const DRAIN_MS = 2_000
/** How long the last answers, those of the node as it stops, may take to leave. */
const LAST_ANSWERS_MS = 250

export interface HttpFace {
  readonly url: string
  /** Refuses what comes from now on, and waits for what was taken on. To be called before the node stops. */
  drain(): Promise<void>
  /** To be called when the node has stopped: what still waited was answered by that. */
  close(): Promise<void>
}

export interface PreparedHttp {
  /** What the node is to count with: `GET /metrics` shows it. */
  readonly metrics: PrometheusMetrics
  /** @throws what the system says where it cannot listen, EADDRINUSE among it */
  readonly open: (node: NodeService, logger: Logger) => Promise<HttpFace>
}

/** @throws ConfigError for metrics that it could not show */
export function prepareHttp(config: NodeConfig, given: Metrics | undefined): PreparedHttp {
  const metrics = given ?? new PrometheusMetrics()
  if (!(metrics instanceof PrometheusMetrics)) {
    throw new ConfigError('dependency metrics: a node that serves HTTP shows its own at GET /metrics: give none beside http')
  }
  return { metrics, open: (node, logger) => openHttp(node, config, logger, metrics) }
}

async function openHttp(node: NodeService, config: NodeConfig, logger: Logger, metrics: PrometheusMetrics): Promise<HttpFace> {
  const { nodeId, httpAddr, insecure, httpAllowedHosts, httpKeepAliveMs } = config
  const tls = openTls(config, systemClock, logger)
  let opened: ReturnType<typeof openTokens> = null
  const letGo = (): void => {
    tls?.close()
    opened?.close()
  }
  try {
    opened = openTokens(config, systemClock, logger)
    const server = createHttpServer({
      store: node,
      controller: node,
      status: node,
      actors: node,
      members: node,
      peers: node,
      backups: { backup: (options) => backupOf(node, options) },
      metrics,
      logger,
      nodeId,
      host: httpAddr.host,
      port: httpAddr.port,
      insecure,
      connectionLimits: planDescriptors(descriptorLimit()).http,
      allowedHosts: httpAllowedHosts,
      keepAliveMs: httpKeepAliveMs,
      ...(opened === null ? {} : { tokens: opened.tokens }),
      ...(tls === null ? {} : { tls: tls.pair }),
    })
    tls?.follow((pair) => server.replaceTls(pair))
    const close = async (): Promise<void> => {
      letGo()
      await server.close(LAST_ANSWERS_MS)
    }
    return { url: await server.listen(), drain: () => server.drain(DRAIN_MS), close }
  } catch (error) {
    letGo()
    throw error
  }
}
