/** Troubles a cluster, a little at every call, as the weather says. */
import { chance, pick, randomBetween } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { SimCluster } from './cluster.ts'
import { RELIABLE_NETWORK } from './sim-network.ts'
import type { SimNode } from './sim-node.ts'
import type { Weather } from './weather.ts'

const ADMIN_PATIENCE_MS = 1500
const HANGING = { stallProbability: 1, stallMs: 2000 }

export class Faults {
  readonly #cluster: SimCluster
  readonly #random: Random
  readonly #weather: Weather
  #healed = false

  constructor(cluster: SimCluster, random: Random, weather: Weather) {
    this.#cluster = cluster
    this.#random = random
    this.#weather = weather
  }

  /** Called at every tenth of a second. */
  disturb(): void {
    const { killed, powerCut, blackout, partition, brokenLink, membership, snapshot } = this.#weather
    const random = this.#random
    for (const node of this.#cluster.nodes) if (node.life === null && chance(random, 0.25)) this.#cluster.start(node)
    const [node] = this.#someRunning()
    if (node === undefined) return
    if (chance(random, membership)) {
      this.#changeMembership(node)
      if (killed + powerCut > 0 && chance(random, 0.3)) this.#crashSoon()
    }
    if (chance(random, snapshot)) node.replica?.takeSnapshot(() => undefined)
    const cut = this.#cluster.network.cutPaths > 0
    if (cut && chance(random, 0.25)) this.#reunite()
    else if (!cut && chance(random, partition)) this.#partition()
    if (chance(random, brokenLink))
      this.#cluster.network.breakLinks(node.endpointId, pick(random, this.#cluster.nodes).endpointId)
    if (chance(random, blackout)) for (const victim of this.#cluster.running) this.#cluster.crash(victim, 'power-cut')
    else if (chance(random, powerCut)) this.#cluster.crash(node, 'power-cut')
    else if (chance(random, killed)) this.#cluster.crash(this.#leaderOr(node), 'killed')
  }

  /** The sky clears: all paths work, all nodes run. */
  heal(): void {
    this.#healed = true
    this.#reunite()
    this.#cluster.network.profile = RELIABLE_NETWORK
    for (const node of this.#cluster.nodes) if (node.life === null) this.#cluster.start(node)
  }

  #someRunning(): SimNode[] {
    const running = this.#cluster.running.filter(({ replica }) => replica !== null)
    return running.length === 0 ? [] : [pick(this.#random, running)]
  }

  /** Leaders are the more interesting victims. */
  #leaderOr(node: SimNode): SimNode {
    const { leader } = this.#cluster
    return leader !== undefined && chance(this.#random, 0.6) ? leader : node
  }

  #changeMembership(node: SimNode): void {
    const { replica, life } = node
    const known = (this.#cluster.leader?.replica ?? replica)?.view.membership
    if (replica === null || life === null || known === undefined) return
    const deadline = life.clock.now() + ADMIN_PATIENCE_MS
    const members = known.members.map(({ id }) => id)
    const stranger = this.#cluster.nodes.find(({ id }) => !members.includes(id))
    if (stranger !== undefined && chance(this.#random, 0.6)) {
      replica.administer({ op: 'add-learner', nodeId: stranger.id, endpointId: null }, deadline, () => undefined)
      return
    }
    const voters = members.filter(() => chance(this.#random, 0.7))
    if (voters.length === 0) return
    const learners = chance(this.#random, 0.5) ? null : []
    replica.administer({ op: 'change-membership', members: voters, learners }, deadline, () => undefined)
  }

  /** Often the leader, whose clients then write into a log that nobody will want. */
  #cutOff(): Set<SimNode> {
    const { leader, nodes } = this.#cluster
    if (leader !== undefined && chance(this.#random, 0.5)) {
      // With a disk that hangs, what it writes there is still under way when the others overrule it.
      if (chance(this.#random, 0.5)) for (const disk of leader.disks) disk.profile = { ...this.#weather.disk, ...HANGING }
      return new Set([leader])
    }
    return new Set(nodes.filter(() => chance(this.#random, 0.4)))
  }

  #reunite(): void {
    const { network, nodes } = this.#cluster
    network.healAll()
    for (const { disks } of nodes) for (const disk of disks) disk.profile = this.#weather.disk
  }

  /** In the middle of whatever the leader is doing. */
  #crashSoon(): void {
    this.#cluster.scheduler.after(randomBetween(this.#random, 1, 60), () => {
      const { leader } = this.#cluster
      if (leader !== undefined && !this.#healed) this.#cluster.crash(leader, chance(this.#random, 0.5) ? 'killed' : 'power-cut')
    })
  }

  #partition(): void {
    const { network, nodes } = this.#cluster
    const inside = this.#cutOff()
    const oneWay = chance(this.#random, 0.3)
    for (const a of nodes) {
      for (const b of nodes) {
        if (inside.has(a) !== inside.has(b) && (!oneWay || inside.has(a))) network.cut(a.endpointId, b.endpointId)
      }
    }
  }
}
