import { AspenNode, descriptorLimit, lowDescriptorWarning, planDescriptors } from '../cluster/index.ts'
import { standardError } from '../cluster/output/index.ts'
import { createHttpServer, PrometheusMetrics } from '../faces/http/index.ts'
import type { RunningNode, StartNode } from './node-program.ts'

/** How long requests in flight may take to finish when the node stops, in milliseconds. */
const DRAIN_MS = 2_000
/** How long the last answers, those of the node as it stops, may take to leave. */
const LAST_ANSWERS_MS = 250

/** What the HTTP face loads when it is first asked for it. */
const LATER_PACKAGES = ['@fastify/swagger']

/** @throws Error when one could not be loaded then */
function checkPackages(): void {
  for (const name of LATER_PACKAGES) import.meta.resolve(name)
}

/** Starts a node with its HTTP face. */
export const startNode: StartNode = async (config, { logger, onFatal }): Promise<RunningNode> => {
  checkPackages()
  const metrics = new PrometheusMetrics()
  const dropped = metrics.counter('aspen_log_lines_dropped_total')
  standardError().onDrop(() => dropped.add())
  const limit = descriptorLimit()
  const warning = lowDescriptorWarning(limit)
  if (warning !== undefined) logger.log('warn', warning)
  const node = await AspenNode.start(config, { logger, metrics, onFatal })
  const { httpAddr, httpToken, insecure, httpAllowedHosts, httpKeepAliveMs } = config
  const server = createHttpServer({
    store: node,
    controller: node,
    status: node,
    metrics,
    logger,
    nodeId: config.nodeId,
    host: httpAddr.host,
    port: httpAddr.port,
    insecure,
    connectionLimits: planDescriptors(limit).http,
    allowedHosts: httpAllowedHosts,
    keepAliveMs: httpKeepAliveMs,
    ...(httpToken === null ? {} : { token: httpToken }),
  })
  let url: string
  try {
    url = await server.listen()
  } catch (error) {
    await node.stop()
    throw error
  }
  return {
    url,
    endpointId: node.endpointId,
    stop: async () => {
      await server.drain(DRAIN_MS)
      // What still waits is answered by the node as it stops: there is no more to wait for, and something to say.
      await node.stop()
      await server.close(LAST_ANSWERS_MS)
    },
  }
}
