import { MAX_GROUP_MEMBERSHIPS } from '../../limits.ts'
import { ActorError } from '../actor-error.ts'
import { checkName } from '../names.ts'
import type { Handlers } from '../protocol.ts'
import { refTo } from '../reference.ts'
import type { Runtime } from '../runtime.ts'
import { checkFunction } from '../settings.ts'
import type { Watch } from '../target.ts'
import { GroupWatch } from './group-watch.ts'
import type { GroupEvent, GroupMember, LeaveReason } from './group-watch.ts'

/** That an actor of this node is in a group. */
export interface Membership {
  readonly group: string
  readonly name: string
}

/** Told inside of whatever changes a group; notes it. */
export type MembershipListener = (type: 'joined' | 'left', membership: Membership) => void

/**
 * Groups of registered actors, of this node and of others: for finding those who do a kind of work, and never for keeping others from it, since what
 * is known of other nodes is late.
 *
 * Invariants: a member of this node has its name; it is in no group any more as soon as it is gone. Of another node, the members are those that
 * were last said to be.
 */
export class Groups {
  readonly #runtime: Runtime
  /** Members by node and name. */
  readonly #groups = new Map<string, Map<string, GroupMember>>()
  readonly #watches = new Map<string, Set<GroupWatch>>()
  /** Groups of the actors of this node. */
  readonly #groupsOf = new Map<string, Set<string>>()
  readonly #listeners = new Set<MembershipListener>()
  #local = 0

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    runtime.names.released = (name) => {
      for (const group of this.#groupsOf.get(name) ?? []) this.leave(group, name)
    }
  }

  /**
   * Has the actor of this node that is registered as `name` join a group, until it leaves or is gone for good. Does nothing when it is in it.
   * @throws ActorError DOWN when no actor of this node has the name, OVERLOADED when there are too many memberships; TypeError
   */
  join(group: string, name: string): void {
    checkName(group, 'a group')
    checkName(name, 'a member of a group')
    const cell = this.#runtime.names.get(name)
    if (cell === undefined) throw new ActorError('DOWN', `no actor is registered as ${name}: it cannot join ${group}`)
    const groups = this.#groupsOf.get(name) ?? new Set()
    if (groups.has(group)) return
    if (this.#local >= MAX_GROUP_MEMBERSHIPS)
      throw new ActorError('OVERLOADED', `${name} cannot join ${group}: a node has at most ${MAX_GROUP_MEMBERSHIPS} memberships`)
    this.#local++
    this.#groupsOf.set(name, groups.add(group))
    this.#add(group, { node: null, name, ref: refTo(cell) })
    for (const told of this.#listeners) told('joined', { group, name })
  }

  /** Does nothing when it is not in it. */
  leave(group: string, name: string): void {
    const groups = this.#groupsOf.get(name)
    if (groups === undefined || !groups.delete(group)) return
    if (groups.size === 0) this.#groupsOf.delete(name)
    this.#local--
    this.#remove(group, null, name, 'left')
    for (const told of this.#listeners) told('left', { group, name })
  }

  /** Those who are in a group, as far as is known here, with the handlers that the caller says they have. */
  members<H extends Handlers>(group: string): GroupMember<H>[] {
    return [...(this.#groups.get(group)?.values() ?? [])] as unknown as GroupMember<H>[]
  }

  /** Tells `listener` who joins a group and who leaves it, from here on, in turns of its own. An error of it is the process's. */
  watch<H extends Handlers>(group: string, listener: (event: GroupEvent<H>) => void): Watch {
    checkName(group, 'a group')
    checkFunction(listener, 'the listener of a group')
    const watches = this.#watches.get(group) ?? new Set()
    const failed = (error: unknown): void =>
      this.#runtime.clock.defer(() => {
        throw error
      })
    const cancel = (one: GroupWatch): void => {
      if (watches.delete(one) && watches.size === 0) this.#watches.delete(group)
    }
    const watch = new GroupWatch(listener as (event: GroupEvent) => void, this.#runtime.runQueue, { failed, cancel })
    this.#watches.set(group, watches.add(watch))
    return watch
  }

  // --- For those who tell other nodes, and hear from them ---

  /** What the other nodes have to know. */
  local(): Membership[] {
    return Array.from(this.#groupsOf, ([name, groups]) => Array.from(groups, (group) => ({ group, name }))).flat()
  }

  watchLocal(listener: MembershipListener): Watch {
    this.#listeners.add(listener)
    return { cancel: () => void this.#listeners.delete(listener) }
  }

  /** A member of another node joined. Does nothing when it is known; how many there may be is the business of who hears it. */
  joinedFrom(group: string, member: GroupMember & { readonly node: number }): void {
    if (this.#groups.get(group)?.has(keyOf(member.node, member.name)) !== true) this.#add(group, member)
  }

  leftFrom(group: string, node: number, name: string): void {
    this.#remove(group, node, name, 'left')
  }

  /** Nothing is known of a node any more. */
  forget(node: number): void {
    for (const [group, members] of this.#groups)
      for (const member of members.values()) if (member.node === node) this.#remove(group, node, member.name, 'unreachable')
  }

  #add(group: string, member: GroupMember): void {
    const key = keyOf(member.node, member.name)
    const members = this.#groups.get(group) ?? new Map<string, GroupMember>()
    this.#groups.set(group, members.set(key, member))
    for (const watch of this.#watches.get(group) ?? []) watch.joined(key, member)
  }

  #remove(group: string, node: number | null, name: string, reason: LeaveReason): void {
    const key = keyOf(node, name)
    const members = this.#groups.get(group)
    const member = members?.get(key)
    if (members === undefined || member === undefined) return
    members.delete(key)
    if (members.size === 0) this.#groups.delete(group)
    for (const watch of this.#watches.get(group) ?? []) watch.left(key, member, reason)
  }
}

function keyOf(node: number | null, name: string): string {
  return `${node ?? ''}/${name}`
}
