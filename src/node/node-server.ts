/**
 * One node, over ports. It lives as long as the process has the node: the peer book, whom it dials, the links and what serves
 * clients are its own; the replica comes and goes in incarnations, which nobody outside holds.
 */
import { LANGUAGE } from '../commands/index.ts'
import { assert } from '../lib/index.ts'
import type { LinkedPeer } from '../ports/index.ts'
import { DialPolicy, PeerBook, PeerExchange } from '../peers/index.ts'
import type { PeerHint } from '../peers/index.ts'
import { EMPTY_MEMBERSHIP } from '../raft/index.ts'
import type { Membership } from '../raft/index.ts'
import type { FoundingTerms, ReplicaView } from '../replica/index.ts'
import type { RestartableFault } from './fault.ts'
import { Incarnation } from './incarnation.ts'
import type { ReplicaEvents } from './incarnation.ts'
import type { NodePorts, NodeSettings } from './node-ports.ts'
import { LostDisk } from './lost-disk.ts'
import { NodeService, selfAsMember } from './node-service.ts'
import type { ServiceParts } from './node-service.ts'
import { RaftHandle } from './raft-handle.ts'
import { Removal } from './removal.ts'
import { VoterLinks } from './voter-links.ts'

type Done = (error?: Error) => void

/** What of a node is there before its replica. */
export interface Surroundings {
  readonly book: PeerBook
  readonly policy: DialPolicy
  readonly removal: Removal
  readonly lostDisk: LostDisk
  readonly events: ReplicaEvents
}

export class NodeServer {
  readonly raft: RaftHandle
  readonly service: NodeService
  readonly serviceParts: ServiceParts
  readonly #ports: NodePorts
  readonly #settings: NodeSettings
  readonly #policy: DialPolicy
  readonly #events: ReplicaEvents
  readonly #exchange: PeerExchange
  readonly #voterLinks: VoterLinks
  /** What is to happen when the replica is open again; null while none is being opened. */
  #waiting: (() => void)[] | null = null

  constructor(ports: NodePorts, settings: NodeSettings, surroundings: Surroundings, first: Incarnation) {
    const { book, policy, removal, lostDisk, events } = surroundings
    const { nodeId, version, requestTimeoutMs, language = LANGUAGE } = settings
    this.#ports = ports
    this.#settings = settings
    this.#policy = policy
    this.#events = events
    this.raft = new RaftHandle(first)
    this.serviceParts = {
      ...ports,
      nodeId,
      version,
      language,
      requestTimeoutMs,
      peerBook: book,
      raft: this.raft,
      removal,
      lostDisk,
    }
    this.service = new NodeService(this.serviceParts)
    const { clock, transport, logger } = ports
    this.#voterLinks = new VoterLinks(
      transport,
      clock,
      logger,
      () => this.raft.view.membership,
      () => removal.words(this.raft.view),
    )
    this.#exchange = new PeerExchange({
      nodeId,
      book,
      links: transport,
      clock,
      isSound: () => this.raft.view.poisoned === null,
      clusterId: () => this.raft.view.clusterId,
      absentSince: (peer) => absentSince(this.raft.view, transport.endpointId, peer),
      toldAbsent: (since, by) => {
        if (this.raft.view.clusterId === null) lostDisk.told(by)
        else removal.told(since, by, this.raft.view)
      },
    })
    for (const face of ports.faces) face.serve(this.service)
  }

  /** Starts listening to peers and taking part. A node that cannot listen is closed, and must not go on without links. */
  async start(): Promise<void> {
    const { transport } = this.#ports
    const { nodeId, language = LANGUAGE } = this.#settings
    this.#policy.start()
    this.#exchange.start()
    this.#voterLinks.start()
    this.raft.present?.replica.start()
    await transport.start({
      nodeId,
      clusterId: this.raft.view.clusterId,
      addresses: [],
      languageVersion: language.version,
    })
    transport.announce({ addresses: transport.addresses() })
  }

  /**
   * Ends the replica and opens it again on what its stores have kept, under the same key and links. Who waits for it hears that the outcome
   * is unknown; meanwhile requests are refused. After an error there is no replica any more, and the node is to be closed.
   *
   * `cause` is the fault that ended it; null when it is asked for. After any other kind the process must end.
   */
  restartReplica(cause: RestartableFault | null, done: Done): void {
    const { present } = this.raft
    assert(present !== null, 'one replica is opened again at a time')
    this.#ports.logger.log('warn', 'the replica is opened again', { reason: cause?.error.message ?? 'asked for' })
    this.raft.present = null
    const waiting: (() => void)[] = []
    this.#waiting = waiting
    const restarted: Done = (error) => {
      this.#waiting = null
      done(error)
      for (const run of waiting) run()
    }
    present.close((closeError) => {
      if (closeError !== undefined) return restarted(closeError)
      const options = { ports: this.#ports, settings: this.#settings, events: this.#events }
      Incarnation.open(options, (error, incarnation) => {
        if (incarnation === undefined) return restarted(error ?? new Error('the replica was not opened'))
        this.raft.present = incarnation
        incarnation.replica.start()
        restarted()
      })
    })
  }

  /** Takes no more requests, hands leadership over, waits for what was accepted, and closes everything. */
  stop(done: Done): void {
    const { clock } = this.#ports
    const { present } = this.raft
    if (this.#waiting !== null) this.#waiting.push(() => this.stop(done))
    else if (present === null) this.close(done)
    else present.replica.stop(clock.now() + this.#settings.stopGraceMs, () => this.close(done))
  }

  /** Closes everything as it is: the links, after the answers on them, then what is kept. */
  close(done: Done): void {
    if (this.#waiting !== null) {
      this.#waiting.push(() => this.close(done))
      return
    }
    const { clock, transport, peerStore } = this.#ports
    const { present } = this.raft
    present?.replica.close()
    this.#policy.stop()
    this.#exchange.stop()
    this.#voterLinks.stop()
    const closeStores = (error?: Error): void => {
      if (present === null) done(error)
      else present.close((storeError) => done(error ?? storeError))
    }
    const closeLinks = async (): Promise<void> => {
      await transport.close()
      await peerStore.saved()
    }
    // As an input of the node, and not whenever a promise settles: by then its process may have ended.
    const after = (error?: Error): void => clock.defer(() => closeStores(error))
    closeLinks().then(() => after(), after)
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
  const note = (hint: PeerHint, source: 'peers' | 'link'): void => {
    if (book.add(hint, source) === 'full') noRoom(hint)
  }
  const noRoom = ({ endpointId, nodeId }: PeerHint): void =>
    logger.log(
      'warn',
      'the peer book is full of peers that count as much: this one is not kept; forget some by POST /forget-peer',
      { endpointId, nodeId },
      { cause: 'PEER_BOOK_FULL', from: '' },
    )
  for (const peer of settings.peers) note(peer, 'peers')
  const policy = new DialPolicy({ nodeId: settings.nodeId, book, transport, clock, refused: noRoom })
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
    events: {
      nodeIdHint: (endpointId) => book.get(endpointId)?.nodeId ?? null,
      founder: { terms, checkMayFound: () => lostDisk.checkMayFound(EMPTY_MEMBERSHIP) },
      onLinked: ({ endpointId, claims }: LinkedPeer) => {
        note({ endpointId, nodeId: claims.nodeId, addresses: claims.addresses }, 'link')
      },
      onClusterId: (clusterId) => transport.announce({ clusterId }),
      onRecalled: (membership: Membership) => removal.follow(membership),
      onMembership: (membership: Membership) => {
        removal.follow(membership)
        policy.follow(membership.members.map(({ id, endpointId, addresses }) => ({ nodeId: id, endpointId, addresses })))
      },
    },
  }
}

/**
 * Where the configuration stands that does not name this key, as a member of it can tell; null when that is not certain. Who belongs to no
 * cluster may be a newcomer, unless somebody else has its id.
 */
function absentSince(
  { membership, membershipIndex, appliedIndex }: ReplicaView,
  self: string,
  { endpointId, claims }: LinkedPeer,
): number | null {
  const names = (key: string): boolean => membership.members.some((member) => member.endpointId === key)
  if (membershipIndex > appliedIndex || !names(self) || names(endpointId)) return null
  const isNewcomer = claims.clusterId === null && !membership.members.some(({ id }) => id === claims.nodeId)
  return isNewcomer ? null : membershipIndex
}
