/** Load over HTTP from a thread of its own, see http-load.ts. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { HttpLoad } from './http-load.ts'
import type { Round } from './measure.ts'

export function postOf(path: string, body: unknown): string {
  const json = JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`
}

/** A thread that makes load for as long as it is told; returns what each round brought. */
export async function withLoad<T>(
  load: HttpLoad,
  use: (round: (durationMs: number) => Promise<Round>) => Promise<T>,
): Promise<T> {
  const worker = new Worker(new URL('./http-load.ts', import.meta.url), { workerData: load })
  try {
    return await use(async (durationMs) => {
      worker.postMessage(durationMs)
      // An error in the thread rejects this wait.
      const [round] = (await once(worker, 'message')) as [Round]
      return round
    })
  } finally {
    await worker.terminate()
  }
}
