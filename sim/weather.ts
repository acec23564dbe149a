/** What a run has to endure, drawn from its seed. */
import { chance, pick } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import { FAST_DISK, RELIABLE_NETWORK } from '../src/simulation/index.ts'
import type { DiskProfile, NetworkProfile } from '../src/simulation/index.ts'

/**
 * `lite`: a network that is not quite sound, and single crashes. `performance`: no faults and a crowd of clients.
 * `swarm`: of all kinds of trouble some, each at a rate of its own (Groce et al. 2012: what is left out matters).
 */
export type ProfileName = 'lite' | 'performance' | 'swarm'

export const PROFILES: readonly ProfileName[] = ['lite', 'performance', 'swarm']

/** Probabilities of each kind of trouble, at every tenth of a second where nothing else is said. */
export interface Troubles {
  readonly killed: number
  readonly powerCut: number
  readonly blackout: number
  /** A process stands still for up to some election timeouts, and goes on as if nothing had happened. */
  readonly paused: number
  /** An orderly stop: the leader hands over before it goes. */
  readonly stopped: number
  /** The replica is opened again in a living process: the links stay. */
  readonly replicaRestarted: number
  /** Of each life: that its clock goes up to a tenth too slow or too fast. */
  /** A machine gets the program of another version: of the next, or, while nothing of that is in use, of the one before. */
  readonly upgraded: number
  /** Of each machine: that its bounds in bytes are those of a few writes. */
  readonly tightBounds: number
  readonly clockDrift: number
  readonly clockJump: number
  readonly partition: number
  readonly brokenLink: number
  readonly flappingPath: number
  readonly slowPath: number
  readonly cappedPath: number
  /** Of each hint that a peer is gone: that this node does not get it. */
  readonly missedHint: number
  readonly failingDisk: number
  readonly fullDisk: number
  /** Of each start after a crash: that the disk has forgotten a few bits meanwhile. */
  readonly bitFlip: number
  readonly lostDisk: number
  /** Of each look at a replacement: that the new key is added before all others know that the old one is gone. */
  readonly hastyReplacement: number
  readonly membership: number
  /** The leader is asked to hand over to another voter. */
  readonly handover: number
  readonly snapshot: number
  readonly quota: number
  /** Of each request of a client. */
  readonly transaction: number
  readonly scan: number
  /** Of each request that was certainly not carried out: that the client asks another node. */
  readonly retry: number
  /** The share of the clients that ask over HTTP, by the client of production. */
  readonly httpClients: number
  /** Of each HTTP request: that its connection breaks before there is an answer. */
  readonly brokenRequest: number
}

export interface Weather extends Troubles {
  readonly network: NetworkProfile
  readonly disk: DiskProfile
  readonly founders: number
  readonly spares: number
  readonly clients: number
  readonly keys: number
  /** The longest pause of a client between two requests. */
  readonly thinkMs: number
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

const CALM: Troubles = {
  killed: 0,
  powerCut: 0,
  blackout: 0,
  paused: 0,
  stopped: 0,
  replicaRestarted: 0,
  upgraded: 0,
  tightBounds: 0,
  clockDrift: 0,
  clockJump: 0,
  partition: 0,
  brokenLink: 0,
  flappingPath: 0,
  slowPath: 0,
  cappedPath: 0,
  missedHint: 0,
  failingDisk: 0,
  fullDisk: 0,
  bitFlip: 0,
  lostDisk: 0,
  hastyReplacement: 0,
  membership: 0,
  handover: 0,
  snapshot: 0,
  quota: 0,
  transaction: 0,
  scan: 0,
  retry: 0,
  httpClients: 0,
  brokenRequest: 0,
}

export const TROUBLES = Object.keys(CALM) as readonly (keyof Troubles)[]

/** Fewer voters than this cannot do without one of them for good. */
export const LEAST_REPLACEABLE = 3

/** `nodes` founds the cluster with so many; what else is drawn does not depend on it. */
export function drawWeather(random: Random, profile: ProfileName = 'swarm', nodes?: number): Weather {
  const drawn = { lite: drawLite, performance: drawPerformance, swarm: drawSwarm }[profile](random)
  const weather = nodes === undefined ? drawn : { ...drawn, founders: nodes }
  return weather.founders >= LEAST_REPLACEABLE ? weather : { ...weather, bitFlip: 0, lostDisk: 0 }
}

function drawLite(random: Random): Weather {
  return {
    ...CALM,
    network: { ...RELIABLE_NETWORK, latencyMaxMs: pick(random, [1, 5]), loss: 0, duplication: 0, reordering: 0 },
    disk: { ...FAST_DISK, syncMaxMs: pick(random, [1, 5]) },
    founders: pick(random, [3, 3, 5]),
    spares: 0,
    clients: pick(random, [3, 5]),
    keys: pick(random, [2, 4]),
    thinkMs: 20,
    killed: 0.02,
    powerCut: pick(random, [0, 0.02]),
    brokenLink: 0.05,
    partition: pick(random, [0, 0.02]),
    transaction: 0.2,
    scan: 0.1,
    retry: 0.5,
    retainedEntries: 1000,
    checkpointIntervalEntries: 100,
    httpClients: pick(random, [0, 0.4]),
    brokenRequest: 0.02,
  }
}

function drawPerformance(random: Random): Weather {
  return {
    ...CALM,
    network: { ...RELIABLE_NETWORK, latencyMaxMs: 1, bytesPerMs: 10_000 },
    disk: { ...FAST_DISK, syncMaxMs: pick(random, [1, 3]) },
    founders: pick(random, [3, 5]),
    spares: 0,
    clients: pick(random, [16, 24]),
    keys: pick(random, [16, 64]),
    thinkMs: 5,
    transaction: 0.1,
    scan: 0.05,
    retry: 0.5,
    retainedEntries: 1000,
    checkpointIntervalEntries: 500,
  }
}

function drawSwarm(random: Random): Weather {
  const lossy = pick(random, [false, false, true])
  return {
    ...drawTroubles(random),
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
    thinkMs: 20,
    retainedEntries: pick(random, [0, 5, 1000]),
    checkpointIntervalEntries: pick(random, [10, 40]),
    ...drawLast(random),
  }
}

/** In half of the runs one of these rates. */
function perhapsOne(random: Random): (...rates: readonly number[]) => number {
  return (...rates) => (chance(random, 0.5) ? pick(random, rates) : 0)
}

type LastDrawn = 'httpClients' | 'brokenRequest' | 'replicaRestarted' | 'upgraded' | 'tightBounds' | 'handover'

/** To be drawn last: all else is as it is without them. */
function drawLast(random: Random): Pick<Troubles, LastDrawn> {
  const perhaps = perhapsOne(random)
  return {
    httpClients: perhaps(0.3, 0.7),
    brokenRequest: perhaps(0.03, 0.1),
    replicaRestarted: perhaps(0.03, 0.06),
    upgraded: perhaps(0.2, 0.5),
    tightBounds: perhaps(0.5, 0.9),
    handover: perhaps(0.02, 0.06),
  }
}

function drawTroubles(random: Random): Omit<Troubles, LastDrawn> {
  const perhaps = perhapsOne(random)
  return {
    killed: perhaps(0.03, 0.06),
    powerCut: perhaps(0.02, 0.05),
    blackout: perhaps(0.01, 0.02),
    paused: perhaps(0.03, 0.08),
    stopped: perhaps(0.02, 0.04),
    clockDrift: perhaps(0.5, 0.9),
    clockJump: perhaps(0.03, 0.1),
    partition: perhaps(0.05, 0.1),
    brokenLink: perhaps(0.05),
    flappingPath: perhaps(0.03, 0.08),
    slowPath: perhaps(0.03, 0.08),
    cappedPath: perhaps(0.03, 0.08),
    missedHint: perhaps(0.3, 0.8),
    failingDisk: perhaps(0.02, 0.05),
    fullDisk: perhaps(0.02, 0.04),
    bitFlip: perhaps(0.2, 0.5),
    lostDisk: perhaps(0.01, 0.03),
    hastyReplacement: perhaps(0.5),
    membership: perhaps(0.08),
    snapshot: perhaps(0.05),
    quota: perhaps(0.03),
    transaction: perhaps(0.1, 0.4),
    scan: perhaps(0.05, 0.2),
    retry: perhaps(0.5, 0.9),
  }
}

/** The lights go out again and again over slow disks: what was only said to be durable does not survive it. */
export function drawPowerCuts(random: Random): Weather {
  return {
    ...drawWeather(random),
    ...CALM,
    founders: 3,
    spares: 0,
    clients: 5,
    disk: { ...FAST_DISK, syncMinMs: 10, syncMaxMs: 80 },
    powerCut: 0.3,
    blackout: 0.1,
    partition: 0.1,
    retainedEntries: 1000,
    checkpointIntervalEntries: 1000,
  }
}
