/** The worker's thread: answers the requests of the state machine, one after the other. */
import { parentPort, workerData } from 'node:worker_threads'
import { assert, unreachable } from '../../../lib/index.ts'
import { encodeError } from './state-worker-protocol.ts'
import type { WorkerRequest, WorkerResponse, WorkerSetup } from './state-worker-protocol.ts'
import { WorkerDatabase } from './worker-database.ts'

const port = parentPort
assert(port !== null, 'this module runs as a worker only')
const database = new WorkerDatabase(workerData as WorkerSetup)

function answer(request: WorkerRequest): unknown {
  switch (request.type) {
    case 'checkpoint':
      return database.checkpoint()
    case 'snapshot':
      return database.snapshot(request.path, request.clusterId)
    case 'audit':
      return database.audit()
    case 'restore':
      return database.restore(request.path, request.snapshotId)
    case 'retire':
      return database.retire()
    case 'close':
      return database.close()
    default:
      return unreachable(request)
  }
}

function respond(request: WorkerRequest): WorkerResponse {
  try {
    return { id: request.id, ok: true, outcome: answer(request) }
  } catch (error) {
    return { id: request.id, ok: false, error: encodeError(error) }
  }
}

port.on('message', (request: WorkerRequest) => {
  port.postMessage(respond(request))
  if (request.type === 'close') port.close()
})
