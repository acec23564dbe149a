import type { Mutant } from './mutant.ts'

const TICKET = 'src/cluster/ticket.test.ts'
const MDNS = 'test/discovery/mdns.test.ts'
const FINDING = 'test/node/finding.test.ts'
const NODES = 'test/cluster/finding.test.ts'
const ADMIN = 'src/replica/requests/membership-admin.test.ts'

/** That a ticket is looked at before it is believed, and that a local network can make a node do little. */
export const FINDING_PEERS: readonly Mutant[] = [
  {
    name: 'forget who was found where another peer was dialled',
    file: 'net/direct/dialer.ts',
    find: 'if (outcome instanceof WrongKey) others.push({ endpointId: outcome.actual, address: spell(winner.address) })',
    replace: '',
    hunter: 'test/cluster/addresses.test.ts',
  },
  {
    name: 'believe a ticket that was changed',
    file: 'cluster/ticket.ts',
    find: 'if (!signatures.verify(ticket.issuer, signedBytes, signature))',
    replace: 'if (signature.length === 0)',
    hunter: TICKET,
  },
  {
    name: 'take a ticket of another cookie',
    file: 'cluster/ticket.ts',
    find: 'if (!Buffer.from(ticket.topic).equals(topic))',
    replace: 'if (topic.length === 0)',
    hunter: TICKET,
  },
  {
    name: 'take a ticket for ever',
    file: 'cluster/ticket.ts',
    find: 'if (now < expiresAt) return null',
    replace: 'if (expiresAt > 0) return null',
    hunter: TICKET,
  },
  {
    name: 'start on the data of one cluster with the ticket of another',
    file: 'cluster/ticket.ts',
    find: 'clusterId !== null && own !== clusterId',
    replace: 'clusterId === null && own !== clusterId',
    hunter: TICKET,
  },
  {
    name: 'keep what a ticket says that is refused',
    file: 'cluster/real-node.ts',
    find: '      checkTicket(given, server.raft.view.clusterId)\n      server.addTicketPeers(given.peers)\n',
    replace: '      server.addTicketPeers(given.peers)\n      checkTicket(given, server.raft.view.clusterId)\n',
    hunter: NODES,
  },
  {
    name: 'hear nodes with another cookie on the local network',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: 'if (scope !== this.#scope || said.endpointId',
    replace: 'if (said.endpointId',
    hunter: MDNS,
  },
  {
    name: 'say on one network the addresses that a node has on another',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: "self.addresses.filter((one) => addresses.includes(parseAddress(one)?.host ?? ''))",
    replace: 'self.addresses.filter((one) => parseAddress(one) !== undefined && addresses.length > 0)',
    hunter: MDNS,
  },
  {
    name: 'answer whoever asks, as often as they ask',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: '(this.#saidAt.get(address) ?? Number.NEGATIVE_INFINITY) + ANSWER_INTERVAL_MS',
    replace: '(this.#saidAt.get(address) ?? Number.NEGATIVE_INFINITY) + 0 * ANSWER_INTERVAL_MS',
    hunter: MDNS,
  },
  {
    name: 'look into everything that is said on a network',
    file: 'discovery/mdns/allowance.ts',
    find: '    if (this.#left < 1) return false\n',
    replace: '',
    hunter: MDNS,
  },
  {
    name: 'spend on what is said where this node does not listen',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: 'if (near.length === 0 || !this.#allowance.take(from)) return',
    replace: 'if (!this.#allowance.take(from)) return',
    hunter: MDNS,
  },
  {
    name: 'spend on what is said of other services',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: '    if (!isOfInterest(bytes)) return\n',
    replace: '',
    hunter: MDNS,
  },
  {
    name: 'leave everything that is looked into to one neighbour',
    file: 'discovery/mdns/allowance.ts',
    find: 'return own.take(now) && this.#all.take(now)',
    replace: 'return this.#all.take(now)',
    hunter: MDNS,
  },
  {
    name: 'believe one neighbour in any number of nodes',
    file: 'discovery/mdns/heard-table.ts',
    find: ' && (this.#counts.get(from) ?? 0) >= MAX_OF_ONE) return false',
    replace: ' && from.length < 0) return false',
    hunter: MDNS,
  },
  {
    name: 'listen to a flood',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: '    if (!this.#packets.take(this.#options.clock.now())) return this.#rest()\n',
    replace: '',
    hunter: MDNS,
  },
  {
    name: 'go wherever a neighbour says that it is',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: 'this.#networks.beside(from, said.addresses)',
    replace: 'said.addresses',
    hunter: MDNS,
  },
  {
    name: 'answer on every network what was asked on one',
    file: 'discovery/mdns/mdns-discovery.ts',
    find: 'for (const { address } of near) this.#announceOn',
    replace: 'for (const { address } of this.#interfaces) this.#announceOn',
    hunter: MDNS,
  },
  {
    name: 'close a socket over what it has still to say',
    file: 'discovery/mdns/multicast.ts',
    find: '    await this.#lastWords()\n',
    replace: '',
    hunter: 'test/discovery/mdns-sockets.test.ts',
  },
  {
    name: 'take a ticket that names places which are none',
    file: 'cluster/ticket.ts',
    find: 'if (problem !== undefined) throw',
    replace: 'if (problem === peer.relay) throw',
    hunter: TICKET,
  },
  {
    name: 'take a node of another cluster for a candidate',
    file: 'node/finding.ts',
    find: 'if (clusterId !== null && ours !== null && clusterId !== ours) return',
    replace: 'if (clusterId !== null && ours !== null && clusterId === endpointId) return',
    hunter: FINDING,
  },
  {
    name: 'not say that a node is somewhere else',
    file: 'node/finding.ts',
    find: 'if (self.addresses.join() !== this.#addresses) transport.announce',
    replace: 'if (self.addresses.length === 0) transport.announce',
    hunter: FINDING,
  },
  {
    name: 'let a node of another cluster stand in the way of one with the same id',
    file: 'replica/peers/peer-knowledge.ts',
    find: 'clusterId === null || clusterId === peers.clusterId)',
    replace: "clusterId !== '')",
    hunter: ADMIN,
  },
  {
    name: 'wait for nobody while a node of another cluster has the id',
    file: 'replica/peers/peer-knowledge.ts',
    find: "return code === 'NODE_UNKNOWN' || (code === 'CLUSTER_MISMATCH' && endpointId === null)",
    replace: "return code === 'NODE_UNKNOWN' || (code === 'CLUSTER_MISMATCH' && endpointId === '')",
    hunter: ADMIN,
  },
  {
    name: 'say that there is no such node when the one who asked has given up',
    file: 'replica/requests/link-patience.ts',
    find: 'startedAt + WAITING_SHARE * (deadline - startedAt)',
    replace: 'deadline + 0 * WAITING_SHARE',
    hunter: ADMIN,
  },
]
