/**
 * One replica of a healed cluster takes an entry for another. It must be found by the comparison of digests, stop for it, and return with
 * the state of the others; nobody else may stop.
 */
import { encodeWrite } from '../src/commands/index.ts'
import { chance, pick, utf8Decode, utf8Encode } from '../src/lib/index.ts'
import type { Random } from '../src/lib/index.ts'
import type { Entry } from '../src/raft/index.ts'
import { DivergedState } from '../src/replica/index.ts'
import type { SimCluster } from './cluster.ts'
import type { SimNode } from './sim-node.ts'

/** How likely it happens in a run whose cluster could tell who is wrong. */
const PLANTED = 0.3
/** Fewer voters have no majority against one of them. */
const LEAST_VOTERS = 3
const PATIENCE_MS = 1_500
/** Before those of the clients. */
const KEY = '!damage'
const SOUND = 'sound value'
const WRONG = 'wrong value'

export class PlantedDamage {
  readonly #cluster: SimCluster
  readonly #random: Random
  #written = false
  #asking = false

  constructor(cluster: SimCluster, random: Random) {
    this.#cluster = cluster
    this.#random = random
  }

  /** Damages what one of these members will make of the next entry; false when this run is to do without. */
  plant(members: readonly SimNode[]): boolean {
    const { leader } = this.#cluster
    const membership = leader?.replica?.view.membership
    if (membership === undefined || membership.voters.length < LEAST_VOTERS || membership.outgoing.length > 0) return false
    if (!chance(this.#random, PLANTED)) return false
    const node = pick(this.#random, members)
    this.#cluster.note(node, 'will misread an entry')
    this.#cluster.counters.damagedStates++
    this.#cluster.planted = node
    node.misread = (entry) => damaged(entry)
    return true
  }

  /** Writes what is going to be misread. True when it is in the log. */
  write(): boolean {
    const { leader } = this.#cluster
    const { life = null } = leader ?? {}
    if (this.#written || this.#asking || leader === undefined || life === null) return this.#written
    this.#asking = true
    const reply = (error: Error | undefined): void => {
      this.#asking = false
      if (error === undefined) this.#written = true
    }
    const envelope = encodeWrite({ Set: { key: KEY, value: SOUND } }, {})
    const deadline = life.clock.now() + PATIENCE_MS
    life.after(0, () => leader.send({ type: 'Write', envelope, deadline, reply }))
    return false
  }

  /** The node that was damaged has stopped for it, and has what the others have. */
  isCured(members: readonly SimNode[]): boolean {
    const { planted, counters } = this.#cluster
    if (planted === null || counters.divergedNodes === 0) return false
    // While nobody leads, nobody says who the members are.
    return (
      members.length > 0 &&
      members.every((node) => node.replica !== null && !node.state.awaitsSnapshot && valueOn(node) === SOUND)
    )
  }
}

export function isDivergence(error: Error): boolean {
  return error instanceof DivergedState
}

function valueOn({ state }: SimNode): string | undefined {
  const found = state.get(utf8Encode(KEY))
  return found && utf8Decode(found.value)
}

function damaged(entry: Entry): Entry {
  const payload = Buffer.from(entry.payload)
  const at = entry.kind === 'command' ? payload.indexOf(SOUND) : -1
  if (at < 0) return entry
  payload.write(WRONG, at)
  return { ...entry, payload: new Uint8Array(payload) }
}
