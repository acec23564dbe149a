import type { Mutant } from './mutant.ts'

/** Who is listened to. The simulated network lets nobody claim what is not so: tests at the border hunt these. */
export const IDENTITY: readonly Mutant[] = [
  {
    name: "accept another cluster's append",
    file: 'replica/intake.ts',
    find: 'if (ours !== null) return theirs === ours',
    replace: 'if (ours !== null) return true',
    hunter: 'src/replica/intake.test.ts',
  },
  {
    name: "accept a member id with a stranger's key",
    file: 'replica/directory.ts',
    find: 'return bound === undefined || bound === endpointId ? nodeId : undefined',
    replace: 'return nodeId',
    hunter: 'src/replica/directory.test.ts',
  },
  {
    name: 'refuse a leader whose new key is not known yet',
    file: 'replica/intake.ts',
    find: "return part === 'campaign' || part === 'lead' ? claim",
    replace: "return part === 'campaign' ? claim",
    hunter: 'sim/replaced-leader.test.ts',
  },
  {
    name: 'answer a leader under a new key on the link of its old one',
    file: 'replica/intake.ts',
    find: '{ ...message.message, via: endpointId }',
    replace: 'message.message',
    hunter: 'sim/replaced-leader.test.ts',
  },
  {
    name: 'let a peer speak for another',
    file: 'replica/intake.ts',
    find: 'speaker(message, id) !== id || ',
    replace: '',
    hunter: 'src/replica/intake.test.ts',
  },
  {
    name: 'accept a peer with another cookie',
    file: 'net/handshake.ts',
    find: "if (!timingSafeEqual(mac, computeMac(self, { ...input, claims }))) throw refusalError('COOKIE_MISMATCH', false)\n",
    replace: '',
    hunter: 'test/contracts/transport-direct.test.ts',
  },
]
