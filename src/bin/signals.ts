/** Which signals end a node in good order, and which do nothing. None of those that people and terminals send kills it or opens a port. */

/** Ctrl-C, the service manager, a closed terminal, Ctrl-\\, and a machine that runs on its battery. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT' | 'SIGPWR'

export interface Signals {
  readonly stopping: readonly StopSignal[]
  /** Handled, so that neither the system nor Node does what it does by default: end the process, or open the inspector. */
  readonly ignored: readonly NodeJS.Signals[]
}

/**
 * Node undoes what nohup has done, so that SIGHUP arrives all the same. It means a closed terminal only where there is one;
 * elsewhere it asks to read the configuration again, of which a node has nothing to offer.
 */
export function signalsOf(hasTerminal: boolean): Signals {
  const stopping = ['SIGINT', 'SIGTERM', 'SIGQUIT', ...(process.platform === 'linux' ? (['SIGPWR'] as const) : [])] as const
  // SIGUSR1 is Node's own: it starts the inspector.
  const ignored = ['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const
  return hasTerminal ? { stopping: [...stopping, 'SIGHUP'], ignored } : { stopping, ignored: [...ignored, 'SIGHUP'] }
}
