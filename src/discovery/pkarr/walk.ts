/** The way to those nodes of the DHT that are the closest to a target (Kademlia): each that is asked names closer ones. */
import { equalBytes } from '../../lib/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { Answer, Node } from './krpc.ts'
import { mayLead } from './reach.ts'
import type { Contact } from './udp.ts'

/** Items are kept by so many. */
const CLOSEST = 8
/** Asked at a time. */
const AT_ONCE = 4
/** In all: whoever names nodes that are not there has this one send no more packets. Each names eight, so no more than 600 are known. */
const MAX_ASKED = 64
/** Nobody else is asked after it. */
const MAX_WALK_MS = 10_000

export interface Answered {
  readonly contact: Contact
  readonly answer: Answer
}

export interface WalkParts {
  readonly target: Uint8Array
  /** The id of this node: some name it, though it asks them not to. */
  readonly own: Uint8Array
  /** Where it begins. */
  readonly start: readonly Contact[]
  /** Null for one that does not answer. */
  readonly ask: (contact: Contact) => Promise<Answer | null>
  /** Whoever waits for it waits no more. */
  readonly answered: (from: Answered) => void
  readonly clock: Clock
}

/** One that may be asked. */
interface Known {
  readonly contact: Contact
  /** The distance to the target as hex; empty for where it begins: that is asked first. */
  distance: string
  state: 'unasked' | 'asked' | 'silent' | Answer
}

/** Those that answered, the closest first, as many as keep an item. */
export async function walk({ target, own, start, ask, answered, clock }: WalkParts): Promise<Answered[]> {
  const known = new Map<string, Known>()
  const pending = new Set<Promise<void>>()
  const until = clock.now() + MAX_WALK_MS
  let asked = 0
  for (const contact of start) known.set(keyOf(contact), { contact, distance: '', state: 'unasked' })

  const learn = (from: Contact, { nodes }: Answer): void => {
    for (const node of nodes) {
      if (known.has(keyOf(node)) || equalBytes(node.id, own) || !mayLead(from.host, node.host)) continue
      known.set(keyOf(node), { contact: contactOf(node), distance: distanceOf(node.id, target), state: 'unasked' })
    }
  }
  const askOne = async (one: Known): Promise<void> => {
    one.state = 'asked'
    const answer = await ask(one.contact)
    one.state = answer ?? 'silent'
    if (answer === null) return
    one.distance = distanceOf(answer.id, target)
    learn(one.contact, answer)
    answered({ contact: one.contact, answer })
  }

  for (;;) {
    const near = closest(known)
    for (const one of near) {
      if (pending.size >= AT_ONCE || asked >= MAX_ASKED || clock.now() >= until) break
      if (one.state !== 'unasked') continue
      asked++
      const asking = askOne(one).finally(() => pending.delete(asking))
      pending.add(asking)
    }
    if (pending.size === 0) break
    await Promise.race(pending)
  }
  return closest(known).flatMap(({ contact, state }) => (typeof state === 'object' ? [{ contact, answer: state }] : []))
}

/** Of those that may be there. */
function closest(known: ReadonlyMap<string, Known>): Known[] {
  const there = [...known.values()].filter(({ state }) => state !== 'silent')
  const begin = there.filter(({ distance }) => distance === '')
  const others = there.filter(({ distance }) => distance !== '').sort((a, b) => (a.distance < b.distance ? -1 : 1))
  return [...begin, ...others.slice(0, CLOSEST)]
}

export function keyOf({ host, port }: Contact): string {
  return `${host}:${port}`
}

function contactOf({ host, port }: Node): Contact {
  return { host, port }
}

/** Hex digits compare as the numbers do. */
function distanceOf(id: Uint8Array, target: Uint8Array): string {
  return Buffer.from(id.map((byte, i) => byte ^ (target[i] ?? 0))).toString('hex')
}
