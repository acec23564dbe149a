/** A thread of a campaign: tells of every run, and of the seed that fails. */
import { parentPort, workerData } from 'node:worker_threads'
import { runCampaign } from './campaign.ts'
import type { CampaignOptions } from './campaign.ts'
import { FailedRun } from './run.ts'
import type { RunReport } from './run.ts'

export type WorkerTask = Omit<CampaignOptions, 'onRun'>
export type WorkerMessage = { readonly report: RunReport } | { readonly failedSeed: number }

function tell(message: WorkerMessage): void {
  parentPort?.postMessage(message)
}

try {
  await runCampaign({ ...(workerData as WorkerTask), onRun: (report) => tell({ report }) })
} catch (error) {
  if (!(error instanceof FailedRun)) throw error
  tell({ failedSeed: error.seed })
}
