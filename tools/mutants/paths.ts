import type { Mutant } from './mutant.ts'

const HUNTER = 'test/paths/switching.test.ts'
const TRANSPORT = 'net/paths/paths-transport.ts'

/** What moving a link from path to path promises: that it is no loss, that it comes in time, and that it is not undone too soon. */
export const PATHS: readonly Mutant[] = [
  {
    name: 'take a link that the peer has given up for another path for a lost one',
    file: TRANSPORT,
    find: "end === 'lost' && error !== undefined && peer.hold(link, error)",
    replace: "end === 'lost' && error !== undefined && link === undefined && peer.hold(link, error)",
    hunter: HUNTER,
  },
  {
    name: 'never say that a link is lost that nothing has taken the place of',
    file: 'net/paths/path-peer.ts',
    find: 'if (current?.heldEnd !== undefined) this.#owner.lost',
    replace: 'if (current?.heldEnd === null) this.#owner.lost',
    hunter: HUNTER,
  },
  {
    name: 'do not ask which link a dialer wants replaced',
    file: TRANSPORT,
    find: 'link.epoch === dialer.replaces',
    replace: 'link.epoch === null',
    hunter: HUNTER,
  },
  {
    name: 'wait until a peer is given up before another path is tried',
    file: TRANSPORT,
    find: 'const SILENT_INTERVALS = 2',
    replace: 'const SILENT_INTERVALS = 9',
    hunter: HUNTER,
  },
  {
    name: 'go back to a path as soon as it answers',
    file: 'net/paths/path-probe.ts',
    find: 'clock.now() - this.#steadySince < steadyMs',
    replace: 'clock.now() - this.#steadySince < 0',
    hunter: HUNTER,
  },
  {
    name: 'count on pings that come and go',
    file: 'net/paths/path-probe.ts',
    find: 'silentIntervals > IDLE_INTERVALS',
    replace: 'silentIntervals > 100',
    hunter: HUNTER,
  },
  {
    name: 'never go back to the better path',
    file: TRANSPORT,
    find: '    this.#probeBetterPath(peer, carrier)\n',
    replace: '',
    hunter: HUNTER,
  },
  {
    name: 'take an address that is refused for a crash, whatever the link went over',
    file: 'net/paths/path-peer.ts',
    find: ' && this.#former === attempt.carrier',
    replace: '',
    hunter: HUNTER,
  },
  {
    name: 'start the other path for a peer that is not running',
    file: TRANSPORT,
    find: '!refused && mayBeThePath(error)',
    replace: 'mayBeThePath(error)',
    hunter: HUNTER,
  },
  {
    name: 'never start the other path for a peer that is not reached',
    file: TRANSPORT,
    find: 'peer.unlinkedMs >= NEED_MS',
    replace: 'peer.unlinkedMs >= Infinity',
    hunter: HUNTER,
  },
  {
    name: 'let both ends move a link at once',
    file: TRANSPORT,
    find: 'link.epoch === dialer.replaces) {\n      if (peer?.isProving === true && isLower)',
    replace: 'link.epoch === dialer.replaces) {\n      if (peer?.isProving === undefined && isLower)',
    hunter: HUNTER,
  },
  {
    name: 'begin another attempt of iroh for each dial of a peer that is away',
    file: 'net/iroh/worker-dials.ts',
    find: 'if (joined !== undefined) {',
    replace: 'if (joined !== undefined && joined.length < 0) {',
    hunter: 'src/net/iroh/worker-dials.test.ts',
  },
  {
    name: 'let iroh read ahead of who reads nothing',
    file: 'net/iroh/iroh-socket.ts',
    find: 'if (this.push(bytes)) this.#pay()',
    replace: 'this.push(bytes)\n    this.#pay()',
    hunter: 'src/net/iroh/iroh-socket.test.ts',
  },
  {
    name: 'hand the process of iroh whatever is written',
    file: 'net/iroh/iroh-socket.ts',
    find: 'if (this.#underWay < WORKER_WINDOW_BYTES) done()',
    replace: 'if (this.#underWay >= 0) done()',
    hunter: 'src/net/iroh/iroh-socket.test.ts',
  },
  {
    name: 'open every interface of the address family that was not asked for',
    file: 'net/iroh/bind-addresses.ts',
    find: "hasLoopback6 ? [formatAddress(host, port), formatAddress('::1', port)] : ",
    replace: '',
    hunter: 'src/net/iroh/bind-addresses.test.ts',
  },
]
