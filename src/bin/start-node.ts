import { parseAddress } from '../api/index.ts'
import { AspenNode, descriptorLimit, lowDescriptorWarning } from '../cluster/index.ts'
import { standardError } from '../cluster/output/index.ts'
import { PrometheusMetrics } from '../faces/http/index.ts'
import type { RunningNode, StartNode } from './node-program.ts'

/** Starts a node with its HTTP face. */
export const startNode: StartNode = async (config, { logger, onFatal }): Promise<RunningNode> => {
  const metrics = new PrometheusMetrics()
  const dropped = metrics.counter('aspen_log_lines_dropped_total')
  standardError().onDrop(() => dropped.add())
  const warning = lowDescriptorWarning(descriptorLimit())
  if (warning !== undefined) logger.log('warn', warning)
  const node = await AspenNode.start(config, { logger, metrics, onFatal, http: true })
  const [address = ''] = node.status().addresses
  // An address that is advertised need not be where it listens.
  const ractorPort = config.ractorPort === 0 ? (parseAddress(address)?.port ?? 0) : config.ractorPort
  return { ractorPort, url: node.httpUrl ?? '', endpointId: node.endpointId, stop: () => node.stop() }
}
