import { ACTORS_CHANNEL, noMetrics, silentLogger } from '../../ports/index.ts'
import type { Channel, ChannelEnd, ChannelHandler, LinkedPeer, Links, Logger, Metrics } from '../../ports/index.ts'
import type { Groups } from '../groups/index.ts'
import { checkName } from '../names.ts'
import type { Handlers } from '../protocol.ts'
import type { Runtime } from '../runtime.ts'
import type { LifeEvent, Watch } from '../target.ts'
import { HeldBytes } from './held-bytes.ts'
import { Loopback } from './loopback.ts'
import { NodeRoute } from './node-route.ts'
import type { LinkedNodes } from './node-route.ts'
import { RemoteGroups } from './remote-groups.ts'
import { remoteRefTo } from './remote-ref.ts'
import type { RemoteRef } from './remote-ref.ts'
import { RemoteWatches } from './remote-watches.ts'
import { Talk } from './talk.ts'
import type { TalkOwner } from './talk.ts'
import type { ActorVersions, Ended } from './statements.ts'

export interface RemotingOptions {
  readonly links: Links
  /** Of this node. */
  readonly nodeId: number
  /** The key that the configuration binds to an id; null where it binds none. What peers say of themselves binds nothing. Called for each message. */
  readonly endpointOf: (nodeId: number) => string | null
  /** The inverse. */
  readonly nodeOf: (endpointId: string) => number | null
  /** False while this node may not speak: what it has to say waits. Always true when absent. */
  readonly isSound?: () => boolean
  readonly logger?: Logger
  readonly metrics?: Metrics
  /** Of the protocol; those of this program when absent. */
  readonly versions?: ActorVersions
}

/** The actors of a system, and those of the other nodes. */
export class Remoting implements ChannelHandler, LinkedNodes, TalkOwner {
  readonly #runtime: Runtime
  readonly #options: RemotingOptions
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #channel: Channel
  readonly held: HeldBytes
  readonly #talks = new Map<string, Talk>()
  /** By node id; of nodes with somebody who is watched. */
  readonly #watches = new Map<number, RemoteWatches>()
  readonly #groups: RemoteGroups
  readonly #groupsWatch: Watch
  readonly #loopback: Loopback
  #isOpen = true

  constructor(runtime: Runtime, groups: Groups, options: RemotingOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    this.#metrics = options.metrics ?? noMetrics
    this.#loopback = new Loopback(runtime)
    this.held = new HeldBytes((endpointId) => options.nodeOf(endpointId) !== null)
    this.#groups = new RemoteGroups(groups, options.nodeOf, (node, name) => this.remote(node, name))
    this.#groupsWatch = groups.watchLocal((type, { group, name }) => {
      for (const talk of this.#talks.values()) if (talk.isTalking) talk.tellGroup(group, name, type === 'joined')
    })
    this.#channel = options.links.attach(ACTORS_CHANNEL, this)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** @throws TypeError for what is no node id, or no name */
  remote<H extends Handlers>(nodeId: number, name: string): RemoteRef<H> {
    if (!(Number.isSafeInteger(nodeId) && nodeId >= 0))
      throw new TypeError(`the id of a node is a whole number, not ${String(nodeId)}`)
    checkName(name, 'the name of an actor')
    const route = nodeId === this.#options.nodeId ? this.#loopback : new NodeRoute(this, nodeId)
    return remoteRefTo<H>(nodeId, name, route)
  }

  /** The configuration binds other keys to ids than before. */
  bindingsChanged(): void {
    for (const nodeId of this.#watches.keys()) this.#follow(nodeId)
    this.#groups.bindingsChanged()
  }

  /** Nothing is said or heard any more; for the other nodes, the actors of this one are unreachable. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const endpointId of this.#talks.keys()) this.#end(endpointId, 'this node takes no part any more')
    this.#groupsWatch.cancel()
    this.#channel.detach()
  }

  // --- What the links report ---

  opened({ endpointId }: LinkedPeer): void {
    this.#end(endpointId, 'it is linked anew')
    const { versions } = this.#options
    const peer = this.#nameOf(endpointId)
    const options = { runtime: this.#runtime, owner: this, endpointId, peer, ...(versions === undefined ? {} : { versions }) }
    this.#talks.set(endpointId, new Talk(options))
  }

  claimed(): void {}

  refused(): void {}

  closed(endpointId: string, end: ChannelEnd): void {
    const name = this.#nameOf(endpointId)
    this.#end(endpointId, end === 'detached' ? `${name} takes no part in actors any more` : `the link to ${name} is lost`)
  }

  message(endpointId: string, bytes: Uint8Array): void {
    this.#talks.get(endpointId)?.message(bytes)
  }

  #end(endpointId: string, words: string): void {
    const talk = this.#talks.get(endpointId)
    if (talk === undefined) return
    this.#talks.delete(endpointId)
    talk.end(words)
    this.#lost(endpointId, words)
  }

  // --- Talks ---

  send(endpointId: string, parts: readonly Uint8Array[]): boolean {
    return this.#options.isSound?.() !== false && this.#channel.send(endpointId, parts, ACTORS_CHANNEL.topLane)
  }

  begun(endpointId: string, talk: Talk): void {
    this.#watchesOf(endpointId)?.reached(talk.asking)
    this.#groups.begun(endpointId, talk)
  }

  ended(endpointId: string, words: string, isAtFault: boolean): void {
    if (isAtFault) this.#metrics.counter('aspen_actor_messages_refused_total', { reason: 'cut_off' }).add()
    const facts = { endpointId, nodeId: this.#options.nodeOf(endpointId), reason: words }
    const same = { cause: isAtFault ? 'ACTORS_CUT_OFF' : 'ACTORS_SILENT', from: endpointId }
    this.#logger.log('warn', 'nothing goes to the actors of a peer, or comes from it, until it is linked anew', facts, same)
    this.#lost(endpointId, words)
  }

  overdrawn(): void {
    this.#metrics.counter('aspen_actor_messages_refused_total', { reason: 'credit' }).add()
  }

  group(endpointId: string, group: string, name: string, isMember: boolean): void {
    this.#groups.said(endpointId, { group, name }, isMember)
  }

  talkWith(nodeId: number): Talk | string {
    const endpointId = this.#options.endpointOf(nodeId)
    if (endpointId === null) return `no member of the cluster has the id ${nodeId}`
    const talk = this.#talks.get(endpointId)
    if (talk === undefined) return `node ${nodeId} is not linked`
    return talk.isTalking ? talk : talk.silence
  }

  #nameOf(endpointId: string): string {
    const nodeId = this.#options.nodeOf(endpointId)
    return nodeId === null ? `the peer ${endpointId}` : `node ${nodeId}`
  }

  // --- Monitors ---

  watch(nodeId: number, name: string, told: (event: LifeEvent) => void): Watch {
    let watches = this.#watches.get(nodeId)
    if (watches === undefined) {
      watches = new RemoteWatches('')
      this.#watches.set(nodeId, watches)
      this.#follow(nodeId)
    }
    const watch = watches.add(name, told)
    return {
      cancel: () => {
        watch.cancel()
        if (watches.isEmpty && this.#watches.get(nodeId) === watches) this.#watches.delete(nodeId)
      },
    }
  }

  #follow(nodeId: number): void {
    const talk = this.talkWith(nodeId)
    const watches = this.#watches.get(nodeId)
    if (typeof talk === 'string') watches?.lost(talk)
    else watches?.reached(talk.asking)
  }

  #watchesOf(endpointId: string): RemoteWatches | undefined {
    const nodeId = this.#options.nodeOf(endpointId)
    return nodeId === null ? undefined : this.#watches.get(nodeId)
  }

  #lost(endpointId: string, words: string): void {
    this.#watchesOf(endpointId)?.lost(words)
    this.#groups.ended(endpointId)
  }

  lives(endpointId: string, name: string, down: Ended | null): void {
    this.#watchesOf(endpointId)?.lives(name, down)
  }
}
