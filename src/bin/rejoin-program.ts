/** The life of `aspen-node rejoin`: one task, which a signal interrupts between two steps. */
import { connectHttp } from '../client/index.ts'
import { isRejoinUnderWay, rejoin } from '../cluster/index.ts'
import type { RejoinVia } from '../cluster/index.ts'
import type { NodeConfig } from '../cluster/config/index.ts'
import type { Logger } from '../ports/index.ts'
import { EXIT } from './exit-code.ts'
import type { ProcessHost } from './node-program.ts'
import type { StopSignal } from './signals.ts'
import type { RejoinArguments } from './rejoin-arguments.ts'

function member(url: string, config: NodeConfig): { readonly via: RejoinVia; close(): void } {
  const client = connectHttp(url, config.httpToken === null ? {} : { token: config.httpToken })
  const via: RejoinVia = {
    url,
    read: (key, options) => client.read(key, options),
    status: () => client.status(),
    addLearner: (nodeId, endpointId, options) => client.addLearner(nodeId, endpointId, options),
    changeMembership: (change, options) => client.changeMembership(change, options),
  }
  return { via, close: () => client.close() }
}

/** Resolves once the process has been told to exit. */
export async function runRejoin(host: ProcessHost, config: NodeConfig, flags: RejoinArguments, logger: Logger): Promise<void> {
  const name = `aspen-node rejoin ${config.nodeId}`
  const interruption = new AbortController()
  let signalled: StopSignal | undefined
  host.onSignal((signal) => {
    signalled ??= signal
    interruption.abort(new Error(`interrupted by ${signal}`))
  })
  host.onUncaught((error) => {
    host.complain(`${name}: an error that nobody handled: ${error instanceof Error ? error.message : String(error)}`)
    host.exit(EXIT.FAULT)
  })
  const members = flags.via.map((url) => member(url, config))
  try {
    await rejoin({
      config,
      via: members.map(({ via }) => via),
      evenIfSound: flags.evenIfSound,
      logger,
      say: (line) => host.print(`${name}: ${line}`),
      signal: interruption.signal,
    })
    host.exit(EXIT.OK)
  } catch (error) {
    logger.log('debug', 'rejoin failed', { error })
    const reason = error instanceof Error ? error.message : String(error)
    const more = isRejoinUnderWay(config.dataDir) ? '. Run the same command again to go on' : ''
    host.complain(`${name}: ${reason}${more}`)
    host.exit(signalled === undefined ? EXIT.FAILURE : EXIT[signalled])
  } finally {
    for (const one of members) one.close()
  }
}
