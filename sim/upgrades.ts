/**
 * Programs of two versions on the machines of one cluster: replaced one by one while clients are at work, forth, and back for as long as the
 * version of the cluster was not raised. Nothing of version 2 may ever reach a program of version 1: that would stop itself, which fails the run.
 */
import { administration } from '../src/node/index.ts'
import type { WriteCommand } from '../src/api/index.ts'
import { encodeWrite, LANGUAGE } from '../src/commands/index.ts'
import type { Language } from '../src/commands/index.ts'
import { chance, pick, utf8Decode, utf8Encode } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { StateMachine } from '../src/ports/index.ts'
import { LANGUAGE_2 } from '../test/commands/language-2.ts'
import type { SimCluster } from './cluster.ts'
import { SafetyViolation } from './invariants.ts'
import type { SimNode } from './sim-node.ts'

const PATIENCE_MS = 1_500
/** Before those of the clients. */
const KEY = '!upgrades'
const PROPERTY = 'nothing of a later version before it is raised'

export class Upgrades {
  readonly #cluster: SimCluster
  readonly #random: Random
  /** What a machine runs from its next start on; version 1 when nothing is said. */
  readonly #installed = new Map<SimNode, Language>()
  readonly #running = new Map<SimNode, Language>()
  /** From here on every program is of version 2, and stays so. */
  #raiseAsked = false
  #asked = 0
  #acknowledged = 0

  constructor(cluster: SimCluster, random: Random) {
    this.#cluster = cluster
    this.#random = random
    cluster.languageOf = (node) => {
      const language = this.#installedOn(node)
      this.#running.set(node, language)
      return language
    }
  }

  disturb(): void {
    const { upgraded } = this.#cluster.weather
    if (upgraded === 0) return
    const random = this.#random
    const running = this.#cluster.running.filter(({ replica, life }) => replica !== null && life?.paused === false)
    if (running.length === 0) return
    const node = pick(random, running)
    if (chance(random, upgraded)) this.#replaceProgram(node)
    if (chance(random, 0.3)) this.#raise()
    if (chance(random, 0.3)) this.#increment(node)
  }

  /** Each increment that was acknowledged took effect once, and no other did that nobody asked for. @throws SafetyViolation */
  check(state: StateMachine): void {
    const found = state.get(utf8Encode(KEY))
    const value = found === undefined ? 0 : Number(utf8Decode(found.value))
    if (value >= this.#acknowledged && value <= this.#asked) return
    throw new SafetyViolation(PROPERTY, `${this.#asked} increments asked, ${this.#acknowledged} acknowledged, ${value} found`)
  }

  #installedOn(node: SimNode): Language {
    return this.#installed.get(node) ?? LANGUAGE
  }

  #replaceProgram(node: SimNode): void {
    const isOld = this.#installedOn(node) === LANGUAGE
    // More often forth, so that some clusters arrive.
    if (!isOld && (this.#raiseAsked || chance(this.#random, 0.7))) return
    this.#installed.set(node, isOld ? LANGUAGE_2 : LANGUAGE)
    this.#cluster.note(node, isOld ? 'gets a later program' : 'gets the program of before')
    if (isOld) this.#cluster.counters.upgrades++
    else this.#cluster.counters.downgrades++
    if (node.stopping || node.poisoned || chance(this.#random, 0.3)) this.#cluster.crash(node, 'killed')
    else this.#cluster.stop(node)
  }

  /** Once nobody runs, or would run, the program of before. */
  #raise(): void {
    const { leader, nodes, counters } = this.#cluster
    const allLater = nodes.every(
      (node) => this.#installedOn(node) === LANGUAGE_2 && (node.life === null || this.#running.get(node) === LANGUAGE_2),
    )
    if (!allLater || leader === undefined || leader.life === null) return
    this.#raiseAsked = true
    const deadline = leader.life.clock.now() + PATIENCE_MS
    const reply = (error: Error | undefined): void => {
      if (error === undefined) counters.versionsRaised++
    }
    const request = { op: 'raise-version', version: 2 } as const
    leader.life.after(0, () => leader.send(administration(request, deadline, reply)))
  }

  #increment(node: SimNode): void {
    const { life } = node
    if (life === null) return
    const write = { Txn: { compare: [], then: [{ Increment: { key: KEY, by: 1 } }] } } as unknown as WriteCommand
    const envelope = encodeWrite(write, {}, LANGUAGE_2)
    const deadline = life.clock.now() + PATIENCE_MS
    this.#asked++
    const reply = (error: Error | undefined): void => {
      if (error !== undefined) return
      this.#acknowledged++
      this.#cluster.counters.laterCommands++
      if (!this.#raiseAsked) this.#cluster.violate(PROPERTY, `node ${node.id} acknowledges a command of version 2`)
    }
    life.after(0, () => node.send({ type: 'Write', envelope, deadline, reply }))
  }
}
