/** Applying committed entries to both state machines. Checkpoints, which a worker makes, lie between the rounds. */
import { mkdirSync } from 'node:fs'
import type { StateEngine } from '../src/ports/index.ts'
import { MemoryDisk, NodeDisk, openMemoryStateMachine, openSnapshotFiles, openSqliteStateMachine } from '../src/storage/index.ts'
import { measure, repeatFor } from './measure.ts'
import type { Budget, Report } from './measure.ts'
import { settled, withTemporaryFolder } from './temporary-folder.ts'
import { entriesFrom } from './workload.ts'

const BATCHES = [1, 100, 1000] as const

function openSqlite(folder: string): StateEngine {
  const directory = `${folder}/snapshots`
  mkdirSync(directory)
  const snapshots = openSnapshotFiles(new NodeDisk(directory), { directory })
  return openSqliteStateMachine({ directory: `${folder}/state`, snapshots })
}

function openMemory(): StateEngine {
  const defer = (run: () => void): void => void setImmediate(run)
  return openMemoryStateMachine({ snapshots: openSnapshotFiles(new MemoryDisk(defer), { defer }), volatile: true, defer })
}

async function measureApply(name: string, machine: StateEngine, budget: Budget, report: Report): Promise<void> {
  let applied = 0
  for (const batch of BATCHES) {
    const point = { benchmark: 'apply', point: `${name}, batches of ${batch}`, unit: 'entries' }
    const run = (durationMs: number) =>
      repeatFor(durationMs, () => {
        machine.apply(entriesFrom(applied + 1, batch))
        applied += batch
        return batch
      })
    report(await measure(budget, point, run, () => settled((done) => machine.checkpoint(done))))
  }
  await settled((done) => machine.close(done))
}

export async function benchmarkApply(budget: Budget, report: Report): Promise<void> {
  await withTemporaryFolder((folder) => measureApply('SQLite', openSqlite(folder), budget, report))
  await measureApply('memory', openMemory(), budget, report)
}
