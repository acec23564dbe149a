import { AspenNode, descriptorLimit, lowDescriptorWarning } from '../cluster/index.ts'
import { standardError } from '../cluster/output/index.ts'
import { PrometheusMetrics } from '../faces/http/index.ts'
import type { RunningNode, StartNode } from './node-program.ts'

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
  const warning = lowDescriptorWarning(descriptorLimit())
  if (warning !== undefined) logger.log('warn', warning)
  const node = await AspenNode.start(config, { logger, metrics, onFatal, http: true })
  return { url: node.httpUrl ?? '', endpointId: node.endpointId, stop: () => node.stop() }
}
