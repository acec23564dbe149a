/**
 * The life of one node as a process: start, serve, stop on request, and end at once on a fault. What touches the
 * process itself comes in through {@link ProcessHost}.
 */
import type { NodeConfig } from '../cluster/config/index.ts'
import type { Logger } from '../ports/index.ts'
import { formatHostPort } from '../cluster/config/index.ts'
import { EXIT } from './exit-code.ts'
import type { StopSignal } from './signals.ts'
import { explainStartFailure, isLaterVersion, startFailureCode } from './start-failure.ts'

/** The parts of the process that a program's life needs. */
export interface ProcessHost {
  /** One line to standard output. */
  print(line: string): void
  /** One line to standard error. */
  complain(line: string): void
  exit(code: number): void
  onSignal(handler: (signal: StopSignal) => void): void
  /** Exceptions and rejections that nobody handles. */
  onUncaught(handler: (error: unknown) => void): void
  /** Monotonic milliseconds. */
  now(): number
  setTimer(delayMs: number, run: () => void): void
}

/** A node that serves. */
export interface RunningNode {
  readonly url: string
  readonly endpointId: string
  /** Where links from other nodes are accepted. */
  readonly ractorPort: number
  /** Drains, hands leadership over and flushes. */
  stop(): Promise<void>
}

/** What a node needs from the program around it. */
export interface StartDependencies {
  readonly logger: Logger
  /** The node is poisoned: nothing it says from now on may be believed. */
  readonly onFatal: (error: Error) => void
}

export type StartNode = (config: NodeConfig, dependencies: StartDependencies) => Promise<RunningNode>

/** All of a stop together. Below the 10 s that container runtimes and service managers commonly wait before they kill. */
export const STOP_DEADLINE_MS = 8_000

/**
 * One request to stop can arrive twice: from the terminal or service manager to the whole process group, and again
 * from a parent that passes it on, as npm does. Only a signal later than this after the first means "now".
 */
export const REPEATED_SIGNAL_MS = 1_000

function readyLine(config: NodeConfig, node: RunningNode): string {
  const links = formatHostPort({ host: config.ractorHost, port: node.ractorPort })
  return `aspen-node ${config.nodeId} is ready: http ${node.url}, peers ${links}, endpoint ${node.endpointId}`
}

/** Follows one node from start to end. Resolves once it serves, or once the process has been told to exit. */
export async function runNode(host: ProcessHost, config: NodeConfig, logger: Logger, start: StartNode): Promise<void> {
  let node: RunningNode | undefined
  let stopAskedAt: number | undefined

  const fault = (message: string, error: unknown): void => {
    logger.log('fatal', message, { error })
    host.exit(isLaterVersion(error) ? EXIT.LATER_VERSION : EXIT.FAULT)
  }

  const stop = async (running: RunningNode): Promise<void> => {
    try {
      await running.stop()
      logger.log('info', 'the node has stopped')
      host.exit(EXIT.OK)
    } catch (error) {
      logger.log('error', 'the node did not stop cleanly', { error })
      host.exit(EXIT.FAILURE)
    }
  }

  const onSignal = (signal: StopSignal): void => {
    if (stopAskedAt !== undefined) {
      if (host.now() - stopAskedAt >= REPEATED_SIGNAL_MS) host.exit(EXIT[signal])
      return
    }
    stopAskedAt = host.now()
    logger.log('info', 'the node is stopping', { signal })
    host.setTimer(STOP_DEADLINE_MS, () => {
      logger.log('error', 'the node did not stop in time', { deadlineMs: STOP_DEADLINE_MS })
      host.exit(EXIT.FAILURE)
    })
    if (node !== undefined) stop(node).catch((error: unknown) => fault('stopping failed', error))
  }

  host.onUncaught((error) => fault('an error that nobody handled', error))
  host.onSignal(onSignal)
  try {
    node = await start(config, { logger, onFatal: (error) => fault('the node stopped itself', error) })
  } catch (error) {
    logger.log('debug', 'the start failed', { error })
    host.complain(`aspen-node ${config.nodeId} did not start: ${explainStartFailure(error, config)}`)
    host.exit(startFailureCode(error))
    return
  }
  if (stopAskedAt === undefined) host.print(readyLine(config, node))
  else await stop(node)
}
