/** A campaign on several threads. Each takes every so-manieth seed, so that all are done at about the same time. */
import { Worker } from 'node:worker_threads'
import type { CampaignOptions } from './campaign.ts'
import type { WorkerMessage, WorkerTask } from './campaign-worker.ts'

const PROGRAM = new URL('campaign-worker.ts', import.meta.url)

/** Gives the seed that failed first, or null when none did. */
export async function runParallelCampaign(options: Omit<CampaignOptions, 'stride'>, jobs: number): Promise<number | null> {
  const { settings, seeds, twice, onRun } = options
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  const workers = Array.from({ length: Math.min(jobs, seeds) }, (_, i) => {
    const task: WorkerTask = {
      settings: { ...settings, seed: settings.seed + i },
      seeds: Math.ceil((seeds - i) / jobs),
      stride: jobs,
      twice,
    }
    return new Worker(PROGRAM, { workerData: task })
  })
  let running = workers.length
  for (const worker of workers) {
    worker.on('message', (message: WorkerMessage) => {
      if ('report' in message) onRun(message.report)
      else resolve(message.failedSeed)
    })
    worker.on('error', reject)
    worker.on('exit', () => {
      if (--running === 0) resolve(null)
    })
  }
  try {
    return await promise
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
