/**
 * One node, over ports, and the root of its actors. It lives as long as the process has the node: the peer book, whom it dials, the links and what
 * serves clients are its own; the replica comes and goes in incarnations, which nobody outside holds.
 *
 *   NodeServer > RaftSupervisor > RaftActor, RaftRpcServerActor, GossipActor, HealthMonitorActor
 */
import { ActorSystem } from '../actor/index.ts'
import type { ActorEvent, Remoting } from '../actor/index.ts'
import type { PeerSourceView } from '../api/index.ts'
import { LANGUAGE } from '../commands/index.ts'
import { assert } from '../lib/index.ts'
import type { Claims, Discovery, LinkedPeer, Links, LogLevel, StateInfo } from '../ports/index.ts'
import { ASKED_FOR_RANK, DialPolicy, hintOfLink, PeerBook, PeerExchange, standingOf } from '../peers/index.ts'
import type { PeerHint, PeerSource } from '../peers/index.ts'
import { EMPTY_MEMBERSHIP } from '../raft/index.ts'
import type { Membership } from '../raft/index.ts'
import type { FoundingTerms, PeerSources, ReplicaView } from '../replica/index.ts'
import { RAFT_ACTOR, raftSupervisor, supervisionOf } from './actors/index.ts'
import type { Patient, SupervisedActors } from './actors/index.ts'
import { faultOf } from './fault.ts'
import type { Incarnation, ReplicaEvents } from './incarnation.ts'
import type { NodePorts, NodeSettings } from './node-ports.ts'
import { Finding } from './finding.ts'
import { LostDisk } from './lost-disk.ts'
import { MemberKeys } from './member-keys.ts'
import { NodeFailureDetection } from './node-failure-detection.ts'
import { NodeRegistry, noRegistryStore } from './node-registry.ts'
import { NodeGossip } from './node-gossip.ts'
import { NodeService, selfAsMember } from './node-service.ts'
import type { ServiceParts } from './node-service.ts'
import { sourceViews } from './peer-report.ts'
import type { DiscoveryParts } from './peer-report.ts'
import { RaftHandle } from './raft-handle.ts'
import { Removal } from './removal.ts'
import { VoterLinks } from './voter-links.ts'

type Done = (error?: Error) => void

/** So many lines of one kind each actor has within a minute before the rest is counted. */
const LINES_AN_ACTOR = 5

/** What the log says of what happens to actors. */
const WORDS: Readonly<Record<ActorEvent['event'], { readonly level: LogLevel; readonly words: string }>> = {
  started: { level: 'debug', words: 'an actor has started' },
  failed: { level: 'error', words: 'an actor has failed, and is started again' },
  'given-up': { level: 'error', words: 'an actor has failed, and may not be started again' },
  killed: { level: 'error', words: 'an actor did not end in time, and was given up' },
  'stop-failed': { level: 'warn', words: 'an actor did not end well' },
  'unknown-message': { level: 'error', words: 'an actor was sent what it does not know' },
  refused: { level: 'warn', words: 'an actor would not do what it was asked' },
  restarted: { level: 'warn', words: 'an actor is started again, as was asked' },
}

/** Who hears of peers. */
class Hearsay implements PeerSources {
  /** Null before there are actors, and when there are none any more. */
  actors: SupervisedActors | null = null
  /** By what it is heard of them; null before that is known. */
  sources: (() => readonly PeerSourceView[]) | null = null

  /** What finds no room, or nobody, is said again. */
  note(hint: PeerHint, source: PeerSource): void {
    this.actors?.gossip.trySend('PeerDiscovered', { hint, source })
  }

  views(): readonly PeerSourceView[] {
    return this.sources?.() ?? []
  }
}

/** What of a node is there before its replica. */
export interface Surroundings {
  readonly book: PeerBook
  readonly policy: DialPolicy
  readonly removal: Removal
  readonly lostDisk: LostDisk
  readonly events: ReplicaEvents
  readonly hearsay: Hearsay
  readonly keys: MemberKeys
  readonly noRoom: (hint: PeerHint) => void
}

export class NodeServer {
  readonly raft: RaftHandle
  readonly service: NodeService
  readonly serviceParts: ServiceParts
  readonly #ports: NodePorts
  readonly #settings: NodeSettings
  readonly #surroundings: Surroundings
  readonly #exchange: PeerExchange
  readonly #gossip: NodeGossip
  readonly #voterLinks: VoterLinks
  readonly #failures: NodeFailureDetection
  readonly #registry: NodeRegistry
  /** Null where there are no means of it. */
  readonly #finding: Finding | null
  /** The node's own actors. */
  readonly #tree: ActorSystem
  /** Those of the program around it: they have names, floods and ends of their own. */
  readonly actors: ActorSystem
  #remoting: Remoting | null = null
  /** What is to happen when an incarnation has begun, or there will be none. */
  #waiting: Done[] = []
  #closing = false

  constructor(ports: NodePorts, settings: NodeSettings, surroundings: Surroundings, first: Incarnation) {
    const { book, removal, lostDisk, hearsay } = surroundings
    const { nodeId, version, requestTimeoutMs, language = LANGUAGE, mailboxCapacity } = settings
    this.#ports = ports
    this.#settings = settings
    this.#surroundings = surroundings
    this.raft = new RaftHandle(first, mailboxCapacity)
    const { clock, random, metrics, threads } = ports
    this.#tree = new ActorSystem({ clock, random, metrics, report: (event) => this.#onEvent(event) })
    const report = (event: ActorEvent): void => this.#logEvent(event, '')
    this.actors = new ActorSystem({ clock, random, metrics, report, ...(threads === undefined ? {} : { threads }) })
    this.#failures = this.#makeFailureDetection()
    this.#registry = this.#makeRegistry()
    this.serviceParts = {
      ...ports,
      nodeId,
      version,
      language,
      requestTimeoutMs,
      mailboxCapacity,
      peerBook: book,
      raft: this.raft,
      removal,
      lostDisk,
      failures: this.#failures,
      registry: this.#registry,
      actors: () => this.#tree.snapshot(),
      discovery: () => this.#discoveryParts,
      restartActor: (actor, done) => this.restartActor(actor, done),
    }
    this.service = new NodeService(this.serviceParts)
    const { transport, logger } = ports
    this.#voterLinks = new VoterLinks(
      transport,
      clock,
      logger,
      () => this.raft.view.membership,
      () => removal.words(this.raft.view),
    )
    this.#finding = ports.discoveries === undefined ? null : this.#makeFinding(ports.discoveries)
    this.#gossip = new NodeGossip({ ports, nodeId, book, raft: this.raft })
    this.#exchange = new PeerExchange({
      nodeId,
      book,
      links: transport,
      clock,
      heard: (hint) => hearsay.note(hint, 'hearsay'),
      ...(ports.gossip === undefined ? {} : { gossip: this.#gossip }),
      isSound: () => this.raft.view.poisoned === null,
      clusterId: () => this.raft.view.clusterId,
      absentSince: (peer) => absentSince(this.raft.view, transport, peer),
      toldAbsent: (since, by) => {
        if (this.raft.view.clusterId === null) lostDisk.told(by)
        else this.#removed(since, by)
      },
    })
    hearsay.sources = () => sourceViews(book, this.#discoveryParts)
    for (const face of ports.faces) face.serve(this.service)
  }

  #makeFailureDetection(): NodeFailureDetection {
    const { transport: links, clock, logger } = this.#ports
    const { heartbeatIntervalMs, electionTimeoutMinMs } = this.#settings.timings
    return new NodeFailureDetection({
      links,
      peerBook: this.#surroundings.book,
      clock,
      logger,
      membership: () => this.raft.view.membership,
      takesPart: (endpointId) => this.raft.takesPart(endpointId),
      silenceMs: Math.min(2 * heartbeatIntervalMs, electionTimeoutMinMs),
      progress: (id) => this.raft.peer(id),
    })
  }

  #makeRegistry(): NodeRegistry {
    const { transport: links, clock, registryStore: store = noRegistryStore } = this.#ports
    const { nodeId, version, language = LANGUAGE } = this.#settings
    return new NodeRegistry({
      self: { nodeId, version, languageVersion: language.version },
      links,
      clock,
      membership: () => this.raft.view.membership,
      clusterId: () => this.raft.view.clusterId,
      store,
    })
  }

  #removed(since: number, by: LinkedPeer): void {
    this.#surroundings.removal.told(since, by, this.raft.view)
    this.#askNoVotes()
  }

  #askNoVotes(): void {
    const { outlivedAt } = this.#surroundings.removal
    if (outlivedAt > 0) this.raft.present?.replica.outlived(outlivedAt)
  }

  get #discoveryParts(): DiscoveryParts {
    return { gossip: this.#gossip.report, discoveries: this.#finding?.reports ?? [] }
  }

  #makeFinding(discoveries: readonly Discovery[]): Finding {
    const { transport, clock } = this.#ports
    return new Finding({
      discoveries,
      transport,
      clock,
      nodeId: this.#settings.nodeId,
      clusterId: () => this.raft.view.clusterId,
      wanted: () => [
        ...this.raft.view.membership.members.map(({ endpointId }) => endpointId),
        ...this.#surroundings.book.entries().flatMap((entry) => (standingOf(entry) >= ASKED_FOR_RANK ? [entry.endpointId] : [])),
      ],
      heard: (hint, source) => this.#surroundings.hearsay.note(hint, source),
    })
  }

  /** To be dialled from the start on: a ticket names them. */
  addTicketPeers(peers: readonly PeerHint[]): void {
    const { book, noRoom } = this.#surroundings
    for (const peer of peers) if (book.add(peer, 'ticket') === 'full') noRoom(peer)
  }

  /** Starts listening to peers and taking part. A node that cannot listen is closed, and must not go on without links. */
  async start(): Promise<void> {
    const { transport } = this.#ports
    const { nodeId, language = LANGUAGE } = this.#settings
    this.#surroundings.policy.start()
    this.#spawnActors()
    this.#exchange.start()
    this.#voterLinks.start()
    this.#failures.start()
    this.#registry.start()
    this.#linkActors()
    await transport.start({
      nodeId,
      clusterId: this.raft.view.clusterId,
      addresses: [],
      languageVersion: language.version,
      programVersion: this.#settings.version,
      ...foundedFrom(this.raft.facts.state.origin),
    })
    transport.announce({ addresses: transport.addresses() })
    this.#finding?.start()
    await this.#begun()
  }

  /** Those that are registered can be reached by the members of the cluster. */
  #linkActors(): void {
    const { transport: links, logger, metrics } = this.#ports
    const { keys } = this.#surroundings
    const { nodeId } = this.#settings
    const endpointOf = (id: number): string | null => keys.endpointOf(id)
    const nodeOf = (endpointId: string): number | null => keys.nodeOf(endpointId)
    const isSound = (): boolean => this.raft.view.poisoned === null
    const remoting = this.actors.connect({ links, nodeId, endpointOf, nodeOf, isSound, logger, metrics })
    keys.changed = () => remoting.bindingsChanged()
    this.#remoting = remoting
  }

  /** Whoever is told that the node has started may ask it. */
  #begun(): Promise<void> {
    if (this.raft.hasBegun) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiting.push((error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  #spawnActors(): void {
    const { events, book, noRoom, hearsay } = this.#surroundings
    const begun = (): void => {
      this.#askNoVotes()
      this.#settleWaiting()
    }
    const argument = {
      raft: { ports: this.#ports, settings: this.#settings, events, handle: this.raft, begun },
      rpc: this.#ports.transport,
      gossip: { book, noRoom, gossip: this.#gossip.begin },
      patient: this.#patient,
      spawned: (actors: SupervisedActors) => {
        hearsay.actors = actors
        this.raft.actor = actors.raft
      },
    }
    this.#tree.spawn(raftSupervisor, { name: 'RaftSupervisor', argument, ...supervisionOf(this.#settings) })
  }

  /** The RaftActor, for whoever asks after its health. */
  get #patient(): Patient {
    const { raft } = this
    return {
      ask: (answered) => raft.ask({ type: 'HealthCheck', reply: answered }),
      get turns() {
        return raft.present === null ? null : raft.present.replica.turns
      },
      fail: (error) => raft.present?.replica.fail(error),
    }
  }

  #onEvent(what: ActorEvent): void {
    this.#logEvent(what, 'NodeServer')
    const { path, event, error } = what
    if (event !== 'given-up' || error === undefined || !path.endsWith(RAFT_ACTOR)) return
    this.#settleWaiting(error)
    if (this.raft.failure !== null) return
    this.raft.failed(error)
    this.#ports.onFault(faultOf(error))
  }

  /** What happens to one actor is no repetition of what happens to another. */
  #logEvent({ path, event, error, pauseMs }: ActorEvent, root: string): void {
    const actor = `${root}${path}`
    const { level, words } = WORDS[event]
    const facts = {
      actor,
      ...(error === undefined ? {} : { reason: error.message, stack: error.stack }),
      ...(pauseMs === undefined ? {} : { pauseMs }),
    }
    this.#ports.logger.log(level, words, facts, {
      cause: `ACTOR_${event.toUpperCase().replaceAll('-', '_')}`,
      from: actor,
      burst: LINES_AN_ACTOR,
    })
  }

  #settleWaiting(error?: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const done of waiting) done(error)
  }

  /**
   * Ends an actor in good order and starts it again, also out of a pause after a failure or of an open circuit. `done` is called when it
   * serves again. Of the RaftActor: who waits for it hears that the outcome is unknown; meanwhile requests are refused.
   */
  restartActor(actor: keyof SupervisedActors, done: Done): void {
    const { actors } = this.#surroundings.hearsay
    const isLost = actor === 'raft' && this.raft.failure !== null
    if (actors === null || this.#closing || isLost) return done(this.raft.refusal())
    if (actor === 'raft') this.#waiting.push(done)
    const { clock } = this.#ports
    this.#restart(actors[actor], actor === 'raft' ? null : done).catch((error: unknown) =>
      clock.defer(() => {
        // Of whoever was told.
        throw error
      }),
    )
  }

  /** The RaftActor serves when its incarnation has begun; a start that fails is followed by others. */
  async #restart(actor: SupervisedActors[keyof SupervisedActors], done: Done | null): Promise<void> {
    let failure: Error | undefined
    try {
      await actor.restart()
    } catch (error) {
      failure = error as Error
    }
    done?.(failure)
  }

  /** Takes no more requests, hands leadership over, waits for what was accepted, and closes everything. */
  stop(done: Done): void {
    // They may still want the store, and those of other nodes, for their last words.
    this.actors.end(() => this.#stopReplica(done))
  }

  #stopReplica(done: Done): void {
    const { clock } = this.#ports
    const { present } = this.raft
    if (present !== null) present.replica.stop(clock.now() + this.#settings.stopGraceMs, () => this.close(done))
    else this.close(done)
  }

  /** Closes everything as it is: the links, after the answers on them, then what is kept. */
  close(done: Done): void {
    assert(!this.#closing, 'a node is closed once')
    this.#closing = true
    const { clock, transport, peerStore } = this.#ports
    this.raft.present?.replica.close()
    this.#surroundings.policy.stop()
    this.#exchange.stop()
    this.#voterLinks.stop()
    this.#failures.stop()
    this.#remoting?.close()
    const endActors = (error?: Error): void => this.#endActors((closeError) => done(error ?? closeError))
    const closeLinks = async (): Promise<void> => {
      await this.#registry.stop()
      await this.#finding?.stop()
      await transport.close()
      await peerStore.saved()
    }
    // As an input of the node, and not whenever a promise settles: by then its process may have ended.
    const after = (error?: Error): void => clock.defer(() => endActors(error))
    closeLinks().then(() => after(), after)
  }

  /** With them the stores are closed. */
  #endActors(done: Done): void {
    this.raft.stop()
    // Of a node that was closed without a stop.
    this.actors.end(() => undefined)
    this.#tree.end(() => {
      this.#settleWaiting(this.raft.refusal())
      const first = this.raft.takeFirst()
      if (first === null) done(this.raft.closeError)
      else first.close(done)
    })
  }
}

/** The peer book of before, with what this start says, and how the replica feeds it. */
export function surround(ports: NodePorts, settings: NodeSettings): Surroundings {
  const { clock, transport, peerStore, logger } = ports
  const now = (): number => clock.now()
  const book: PeerBook = new PeerBook({
    now,
    entries: peerStore.load(clock.now()),
    changed: () => peerStore.save(() => book.entries(), now),
    ...(settings.maxPeers === undefined ? {} : { capacity: settings.maxPeers }),
  })
  const told = new Set(settings.peers.map(({ endpointId }) => endpointId))
  for (const { endpointId } of book.entries()) if (!told.has(endpointId)) book.withdraw(endpointId, 'peers')
  const hearsay = new Hearsay()
  const keys = new MemberKeys()
  const noRoom = ({ endpointId, nodeId }: PeerHint): void =>
    logger.log(
      'warn',
      'the peer book is full of peers that count as much: this one is not kept; forget some by POST /forget-peer',
      { endpointId, nodeId },
      { cause: 'PEER_BOOK_FULL', from: '' },
    )
  for (const peer of settings.peers) if (book.add(peer, 'peers') === 'full') noRoom(peer)
  const policy = new DialPolicy({ nodeId: settings.nodeId, book, transport, clock, random: ports.random, refused: noRoom })
  // Where one member was, another one may be: somebody has dealt their addresses out anew.
  transport.onFound?.((endpointId, address) => {
    const known = book.get(endpointId)
    if (known !== undefined) hearsay.note({ endpointId, nodeId: known.nodeId, addresses: [address], relay: null }, 'hearsay')
  })
  const removal = new Removal(transport.endpointId, logger)
  const lostDisk = new LostDisk({ nodeId: settings.nodeId, transport, clock, logger })
  const terms = (): FoundingTerms => {
    lostDisk.checkMayFound(EMPTY_MEMBERSHIP)
    return { clusterId: ports.drawClusterId(), self: selfAsMember(settings.nodeId, transport) }
  }
  return {
    book,
    policy,
    removal,
    lostDisk,
    hearsay,
    keys,
    noRoom,
    events: {
      nodeIdHint: (endpointId) => book.get(endpointId)?.nodeId ?? null,
      sources: hearsay,
      founder: { terms, checkMayFound: () => lostDisk.checkMayFound(EMPTY_MEMBERSHIP) },
      onLinked: (peer: LinkedPeer) => hearsay.note(hintOfLink(peer), 'link'),
      onClusterId: (clusterId) => transport.announce({ clusterId }),
      onRecalled: (membership: Membership) => {
        removal.follow(membership)
        keys.follow(membership)
      },
      onMembership: (membership: Membership) => {
        removal.follow(membership)
        keys.follow(membership)
        policy.follow(membership.members.map(({ id, endpointId, addresses }) => ({ nodeId: id, endpointId, addresses })))
      },
    },
  }
}

/**
 * Where the configuration stands that does not name this key, as a member of it can tell; null when that is not certain. Who belongs to no
 * cluster may be a newcomer, unless it has the id of a member that is not here: while that one is, it is somebody else, of a cluster beside this one.
 */
function absentSince(
  { membership, membershipIndex, appliedIndex }: ReplicaView,
  links: Pick<Links, 'endpointId' | 'peers'>,
  { endpointId, claims }: LinkedPeer,
): number | null {
  const names = (key: string): boolean => membership.members.some((member) => member.endpointId === key)
  if (membershipIndex > appliedIndex || !names(links.endpointId) || names(endpointId)) return null
  if (claims.clusterId !== null) return membershipIndex
  const holder = membership.members.find(({ id }) => id === claims.nodeId)
  return holder === undefined || isHere(links, holder.endpointId) ? null : membershipIndex
}

function isHere(links: Pick<Links, 'endpointId' | 'peers'>, key: string): boolean {
  return key === links.endpointId || links.peers().some(({ endpointId, state }) => endpointId === key && state === 'connected')
}

/** For members of the cluster that was: they are refused, and hear why. */
function foundedFrom(origin: StateInfo['origin']): Pick<Claims, 'foundedFrom'> {
  if (origin === undefined) return {}
  const { clusterId, nodeId, foundedAt } = origin
  return { foundedFrom: { clusterId, nodeId, foundedAt } }
}
