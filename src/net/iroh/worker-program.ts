/** The program of the process that an iroh endpoint lives in: makes connections, takes them, and passes their bytes. */
import { surface } from '../link/index.ts'
import { WorkerEndpoint } from './worker-endpoint.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'
import { firstLine } from './words.ts'

const tell = (message: FromWorker): void => void process.send?.(message)
let endpoint: WorkerEndpoint | undefined

async function end(code: number): Promise<never> {
  // Peers are told, and do not have to find out.
  await endpoint?.close()
  process.exit(code)
}

// The node says when to end. What a terminal or a supervisor sends to all processes is for the node to act on.
// None opens Node's inspector, which SIGUSR1 does where nobody listens to it.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGPWR', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const
for (const signal of SIGNALS) process.on(signal, () => undefined)
process.on('disconnect', () => surface(end(0)))
process.on('uncaughtException', (error) => {
  tell({ type: 'failed', code: null, message: firstLine(error) })
  surface(end(1))
})
process.on('message', (message: ToWorker) => {
  if (message.type !== 'begin') {
    endpoint?.hear(message)
    return
  }
  endpoint = new WorkerEndpoint(message.setup, tell)
  surface(endpoint.bind())
})
