/** What a run has to endure, drawn from its seed. */
import { pick } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { NetworkProfile } from './sim-connection.ts'
import { FAST_DISK } from './sim-disk.ts'
import type { DiskProfile } from './sim-disk.ts'
import { RELIABLE_NETWORK } from './sim-network.ts'

export interface Weather {
  readonly network: NetworkProfile
  readonly disk: DiskProfile
  readonly founders: number
  readonly spares: number
  readonly clients: number
  readonly keys: number
  /** Probabilities of each kind of trouble, at every tenth of a second. */
  readonly killed: number
  readonly powerCut: number
  readonly blackout: number
  readonly partition: number
  readonly brokenLink: number
  readonly membership: number
  readonly snapshot: number
  readonly retainedEntries: number
  readonly checkpointIntervalEntries: number
}

/** Fast, ordinary, slow, and one that at times stops for longer than an election takes. */
const DISKS: readonly Partial<DiskProfile>[] = [
  { syncMaxMs: 1 },
  { syncMaxMs: 5 },
  { syncMaxMs: 25 },
  { syncMaxMs: 5, stallProbability: 0.03, stallMs: 900 },
]

export function drawWeather(random: Random): Weather {
  const lossy = pick(random, [false, false, true])
  return {
    network: {
      ...RELIABLE_NETWORK,
      latencyMaxMs: pick(random, [1, 5, 30]),
      bytesPerMs: pick(random, [0, 1000]),
      loss: lossy ? pick(random, [0.01, 0.05]) : 0,
      duplication: lossy ? 0.03 : 0,
      reordering: lossy ? 0.05 : 0,
    },
    disk: { ...FAST_DISK, ...pick(random, DISKS) },
    founders: pick(random, [1, 3, 3, 3, 5]),
    spares: pick(random, [0, 1, 1, 2]),
    clients: pick(random, [3, 5, 8]),
    keys: pick(random, [1, 2, 4]),
    killed: pick(random, [0, 0.03, 0.06]),
    powerCut: pick(random, [0, 0.02, 0.05]),
    blackout: pick(random, [0, 0.01, 0.02]),
    partition: pick(random, [0, 0.05, 0.1]),
    brokenLink: pick(random, [0, 0.05]),
    membership: pick(random, [0, 0.08]),
    snapshot: pick(random, [0, 0.05]),
    retainedEntries: pick(random, [0, 5, 1000]),
    checkpointIntervalEntries: pick(random, [10, 40]),
  }
}

/** The lights go out again and again over slow disks: what was only said to be durable does not survive it. */
export function drawPowerCuts(random: Random): Weather {
  return {
    ...drawWeather(random),
    founders: 3,
    spares: 0,
    clients: 5,
    disk: { ...FAST_DISK, syncMinMs: 10, syncMaxMs: 80 },
    killed: 0,
    powerCut: 0.3,
    blackout: 0.1,
    partition: 0.1,
    membership: 0,
    snapshot: 0,
    retainedEntries: 1000,
    checkpointIntervalEntries: 1000,
  }
}
