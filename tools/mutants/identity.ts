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
    find: 'if (bound !== undefined) return bound === endpointId ? nodeId : undefined',
    replace: 'if (bound !== undefined) return nodeId',
    hunter: 'src/replica/directory.test.ts',
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
