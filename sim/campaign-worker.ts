/** A thread of a campaign: tells of every run, and of the one that fails. */
import { parentPort, workerData } from 'node:worker_threads'
import { runCampaign } from './campaign.ts'
import type { CampaignOptions } from './campaign.ts'
import { FailedRun } from './run.ts'
import type { RunFigures, RunReport } from './run.ts'
import type { Settings } from './settings.ts'

export type WorkerTask = Omit<CampaignOptions, 'onRun'>

/** What a {@link FailedRun} is made of. Errors lose their classes on the way. */
interface Failure {
  readonly settings: Settings
  readonly figures: RunFigures
  readonly cause: unknown
}

export type WorkerMessage = { readonly report: RunReport } | Failure

function tell(message: WorkerMessage): void {
  parentPort?.postMessage(message)
}

try {
  await runCampaign({ ...(workerData as WorkerTask), onRun: (report) => tell({ report }) })
} catch (error) {
  if (!(error instanceof FailedRun)) throw error
  const { settings, figures, cause } = error
  tell({ settings, figures, cause })
}
