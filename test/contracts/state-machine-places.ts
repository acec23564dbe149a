/** The places that the suites open state machines in. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StateEngine } from '../../src/ports/index.ts'
import { MemoryDisk, NodeDisk } from '../../src/storage/disk/index.ts'
import { openMemoryStateMachine, openSnapshotFiles, openSqliteStateMachine } from '../../src/storage/index.ts'
import type { MemoryStateMachine, SnapshotFiles } from '../../src/storage/index.ts'
import { CLUSTER_ID, settled } from './state-machine-fixture.ts'
import type { OpenedState, StatePlace } from './state-machine-fixture.ts'

export interface SqlitePlace extends StatePlace {
  readonly stateDirectory: string
  readonly snapshotDirectory: string
}

const MEMORY_FOLDER = '/dev/shm'

/** No test here loses power, so a folder in memory tells as much as a disk, without waiting for its syncs. */
function temporaryFolder(): string {
  if (!existsSync(MEMORY_FOLDER)) return tmpdir()
  const { bavail, bsize } = statfsSync(MEMORY_FOLDER)
  return bavail * bsize > 512 * 1024 * 1024 ? MEMORY_FOLDER : tmpdir()
}

/** Closes what was opened and is still open. */
class OpenMachines {
  readonly #open = new Set<OpenedState>()

  add<T extends StateEngine>(machine: T, snapshots: SnapshotFiles): { machine: T; snapshots: SnapshotFiles } {
    const opened = { machine, snapshots }
    this.#open.add(opened)
    return opened
  }

  async close(): Promise<void> {
    for (const { machine, snapshots } of this.#open) {
      // A test may have closed it already; closing is then refused.
      await settled((done) => machine.close(() => done()))
      snapshots.close()
    }
  }
}

export function sqlitePlace(): SqlitePlace {
  const root = mkdtempSync(join(temporaryFolder(), 'aspen-state-'))
  const stateDirectory = join(root, 'state')
  const snapshotDirectory = join(root, 'snapshots')
  mkdirSync(snapshotDirectory)
  const machines = new OpenMachines()
  return {
    stateDirectory,
    snapshotDirectory,
    open() {
      const snapshots = openSnapshotFiles(new NodeDisk(snapshotDirectory), { directory: snapshotDirectory })
      return machines.add(openSqliteStateMachine({ directory: stateDirectory, snapshots }), snapshots)
    },
    async dispose() {
      await machines.close()
      rmSync(root, { recursive: true })
    },
  }
}

export function memoryPlace(volatile: boolean): StatePlace {
  const defer = (run: () => void): void => void setImmediate(run)
  const disk = new MemoryDisk(defer)
  const machines = new OpenMachines()
  let last: MemoryStateMachine | null = null
  return {
    open() {
      const snapshots = openSnapshotFiles(disk, { defer })
      const machine = openMemoryStateMachine({ snapshots, volatile, defer, clusterId: () => CLUSTER_ID, from: last })
      if (volatile) last = machine
      return machines.add(machine, snapshots)
    },
    dispose: () => machines.close(),
  }
}
