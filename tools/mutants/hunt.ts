/**
 * `node tools/mutants/hunt.ts SIMULATOR FIRST COUNT SECONDS`: runs seeds until one fails, and prints the verdict as one
 * line of JSON. It runs in a copy of the checkout that has the bug, in a process of its own.
 */
import { CoreCluster } from '../../sim/core-cluster.ts'
import { FAST_DISK, forkPrng } from '../../src/simulation/index.ts'
import { runSeed } from '../../sim/run.ts'
import { drawPowerCuts } from '../../sim/weather.ts'
import type { Weather } from '../../sim/weather.ts'
import { DriftingCores } from './drifting-cores.ts'
import { isSimulator } from './mutant.ts'
import type { Simulator } from './mutant.ts'
import { verdictOn } from './verdict.ts'
import type { Verdict } from './verdict.ts'

const CORE_MS = 2_000
/** Room for one power cut more than the ordinary run has. */
const POWER_CUT_MS = 6_000

/** Logs without a tail, checkpoints all the time, and nodes that fall behind: whoever comes back needs a snapshot. */
function drawSnapshots(seed: number): Weather {
  return {
    ...drawPowerCuts(forkPrng(seed, 'weather')),
    disk: { ...FAST_DISK, syncMaxMs: 20 },
    spares: 1,
    killed: 0.1,
    powerCut: 0.1,
    blackout: 0.02,
    partition: 0.2,
    membership: 0.05,
    snapshot: 0.3,
    retainedEntries: 0,
    checkpointIntervalEntries: 10,
  }
}

const RUNS: Readonly<Record<Simulator, (seed: number) => unknown>> = {
  core: (seed) => new CoreCluster(seed).run(CORE_MS),
  drift: (seed) => new DriftingCores(seed).run(CORE_MS),
  cluster: (seed) => runSeed({ seed }),
  'power-cuts': (seed) => runSeed({ seed, faultsMs: POWER_CUT_MS, weather: drawPowerCuts(forkPrng(seed, 'weather')) }),
  snapshots: (seed) => runSeed({ seed, weather: drawSnapshots(seed) }),
}

async function hunt(simulator: Simulator, first: number, count: number, seconds: number): Promise<Verdict> {
  const deadline = performance.now() + seconds * 1000
  let seed = first
  for (; seed < first + count && performance.now() < deadline; seed++) {
    try {
      await RUNS[simulator](seed)
    } catch (error) {
      return verdictOn(String(seed), error)
    }
    // A finished world is let go only when the event loop turns.
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { kind: 'missed', looked: `${seed - first} seeds` }
}

const [simulator = '', ...numbers] = process.argv.slice(2)
const [first, count, seconds] = numbers.map(Number)
if (!isSimulator(simulator) || first === undefined || count === undefined || seconds === undefined) {
  console.error('usage: node tools/mutants/hunt.ts SIMULATOR FIRST COUNT SECONDS')
  process.exitCode = 2
} else console.log(JSON.stringify(await hunt(simulator, first, count, seconds)))
