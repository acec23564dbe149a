import type { Mutant } from './mutant.ts'

/** Who is listened to. The simulated network lets nobody claim what is not so: tests at the border hunt these. */
export const IDENTITY: readonly Mutant[] = [
  {
    name: "accept another cluster's append",
    file: 'replica/peers/intake.ts',
    find: 'if (ours !== null) return theirs === ours',
    replace: 'if (ours !== null) return true',
    hunter: 'src/replica/peers/intake.test.ts',
  },
  {
    name: "accept a member id with a stranger's key",
    file: 'replica/peers/directory.ts',
    find: 'return bound === undefined || bound === endpointId ? nodeId : undefined',
    replace: 'return nodeId',
    hunter: 'src/replica/peers/directory.test.ts',
  },
  {
    name: 'refuse a leader whose new key is not known yet',
    file: 'replica/peers/intake.ts',
    find: "return part === 'campaign' || part === 'lead' ? claim",
    replace: "return part === 'campaign' ? claim",
    hunter: 'test/simulation/replaced-members-liveness.test.ts',
  },
  {
    name: 'answer a leader under a new key on the link of its old one',
    file: 'replica/peers/intake.ts',
    find: '{ ...message.message, via: endpointId }',
    replace: 'message.message',
    hunter: 'test/simulation/replaced-members-liveness.test.ts',
  },
  {
    name: 'refuse a leader under a new key whose term is over',
    file: 'replica/peers/intake.ts',
    find: "return part === 'campaign' || part === 'lead' ? claim",
    replace: "return part === 'campaign' || (part === 'lead' && termOf(message) >= this.#context.raft.term) ? claim",
    hunter: 'test/simulation/replaced-members-liveness.test.ts',
  },
  {
    name: 'refuse a candidate under a new key whose term is over',
    file: 'replica/peers/intake.ts',
    find: "return part === 'campaign' || part === 'lead' ? claim",
    replace: "return part === 'lead' || (part === 'campaign' && termOf(message) >= this.#context.raft.term) ? claim",
    hunter: 'test/simulation/replaced-members-liveness.test.ts',
  },
  {
    name: 'give up a leader because the port of its old key refuses',
    file: 'replica/peers/intake.ts',
    find: 'return id !== undefined && this.#directory.isLeading(id, endpointId) ? id',
    replace: 'return id !== undefined && this.#directory.endpointOf(id) === endpointId ? id',
    hunter: 'test/simulation/replaced-members-liveness.test.ts',
  },
  {
    name: 'answer on the newest link of an id',
    file: 'replica/peers/peers.ts',
    find: "message.type === 'raft' ? message.message.via : undefined",
    replace:
      "message.type === 'raft' && message.message.via !== undefined ? [...this.#directory.links()].findLast(({ claims }) => claims.nodeId === to)?.endpointId : undefined",
    hunter: 'test/simulation/replaced-members-safety.test.ts',
  },
  {
    name: 'count what the old key of a member acknowledges',
    file: 'replica/peers/intake.ts',
    find: "return part === 'campaign' || part === 'lead' ? claim : undefined",
    replace: 'return claim',
    hunter: 'test/simulation/replaced-members-safety.test.ts',
  },
  {
    name: 'send what is for a member that left to whoever has its id now',
    file: 'replica/peers/directory.ts',
    find: 'this.#bound.get(id) ?? this.#departed.get(id)',
    replace: 'this.#bound.get(id)',
    hunter: 'test/simulation/replaced-members-safety.test.ts',
  },
  {
    name: 'let a peer speak for another',
    file: 'replica/peers/intake.ts',
    find: 'speaker(message, id) !== id || ',
    replace: '',
    hunter: 'src/replica/peers/intake.test.ts',
  },
  {
    name: 'accept a peer with another cookie',
    file: 'net/link/handshake.ts',
    find: "if (!timingSafeEqual(proof.mac, computeMac(self, { ...input, said: proof.said }))) throw refusalError('COOKIE_MISMATCH', false)\n",
    replace: '',
    hunter: 'test/contracts/transport.test.ts',
  },
]
