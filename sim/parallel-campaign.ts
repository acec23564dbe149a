/** A campaign on several threads. Each takes one seed of so many as there are threads, so that all are done at about the same time. */
import { Worker } from 'node:worker_threads'
import type { CampaignOptions } from './campaign.ts'
import type { WorkerMessage, WorkerTask } from './campaign-worker.ts'
import { FailedRun } from './run.ts'
import { ThreadProgress } from './thread-progress.ts'

const PROGRAM = new URL('campaign-worker.ts', import.meta.url)

/**
 * Runs until a seed fails, without keeping traces.
 * @param program what the threads run
 * @throws FailedRun of the lowest seed that fails, or Error when a thread ends before its seeds are done
 */
export async function runParallelCampaign(
  options: Omit<CampaignOptions, 'stride'>,
  jobs: number,
  program: URL = PROGRAM,
): Promise<void> {
  const tasks = divide(options, jobs)
  const progress = new ThreadProgress(
    tasks.map(({ settings }) => settings.seed),
    jobs,
  )
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const watch = (worker: Worker, thread: number): void => {
    worker.on('message', (message: WorkerMessage) => {
      if ('report' in message) {
        options.onRun(message.report)
        progress.passed(thread, message.report.seed)
      } else progress.failed(thread, new FailedRun(message.settings, message.cause, message.figures, []))
      if (progress.isOver) resolve()
    })
    worker.on('error', reject)
    worker.on('exit', (code) => {
      try {
        progress.ended(thread, code)
        if (progress.isOver) resolve()
      } catch (error) {
        reject(error)
      }
    })
  }
  const workers = tasks.map((task) => new Worker(program, { workerData: task }))
  workers.forEach(watch)
  try {
    await promise
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  if (progress.lowest !== null) throw progress.lowest
}

function divide({ settings, seeds, twice }: Omit<CampaignOptions, 'stride'>, jobs: number): WorkerTask[] {
  return Array.from({ length: Math.min(jobs, seeds) }, (_, i) => ({
    settings: { ...settings, seed: settings.seed + i },
    seeds: Math.ceil((seeds - i) / jobs),
    stride: jobs,
    twice,
  }))
}
