import type { Mutant } from './mutant.ts'

const DNS = 'test/discovery/dns.test.ts'
const NAMES = 'test/discovery/dns-names.test.ts'
const NODES = 'test/cluster/dns.test.ts'
const LISTENER = 'src/net/direct/listener.test.ts'

/** That DNS can make a node do little, and that what it says in the end is found. */
export const DNS_DISCOVERY: readonly Mutant[] = [
  {
    name: 'be led to what else runs on this machine',
    file: 'discovery/dns/reach.ts',
    find: 'return [LOOPBACK, LINK_LOCAL].every(',
    replace: 'return [LINK_LOCAL].every(',
    hunter: DNS,
  },
  {
    name: 'be led to the metadata of the cloud by a key in a zone',
    file: 'discovery/dns/name-watch.ts',
    find: 'mayLead(this.#self.addresses, hostOf(address))',
    replace: 'hostOf(address) !== null',
    hunter: DNS,
  },
  {
    name: 'knock at every address that a name has',
    file: 'discovery/dns/name-watch.ts',
    find: 'unique(others).slice(0, MAX_ADDRESSES)',
    replace: 'unique(others).slice(0, 8 * MAX_ADDRESSES)',
    hunter: DNS,
  },
  {
    name: 'look up every host that a service has',
    file: 'discovery/dns/name-watch.ts',
    find: '.slice(0, MAX_HOSTS)',
    replace: '.slice(0, 8 * MAX_HOSTS)',
    hunter: DNS,
  },
  {
    name: 'knock at all addresses at once',
    file: 'discovery/dns/doors.ts',
    find: 'Array.from({ length: AT_ONCE }, ask)',
    replace: 'Array.from({ length: addresses.length }, ask)',
    hunter: DNS,
  },
  {
    name: 'take a key that is missed to be where it was',
    file: 'discovery/dns/doors.ts',
    find: '!missing.has(known.endpointId) && ',
    replace: '',
    hunter: DNS,
  },
  {
    name: 'ask whose an address is once and for ever',
    file: 'discovery/dns/doors.ts',
    find: 'known.askedAt > clock.now() - FRESH_MS',
    replace: 'known.askedAt <= clock.now()',
    hunter: DNS,
  },
  {
    name: 'take itself for another node',
    file: 'discovery/dns/name-watch.ts',
    find: ' || endpointId === this.#self.endpointId',
    replace: '',
    hunter: DNS,
  },
  {
    name: 'give up a name that failed once',
    file: 'discovery/dns/name-watch.ts',
    find: '    this.#lookIn(this.#nextInterval(failure !== null || this.#missing.size > 0))',
    replace: '    if (failure === null) this.#lookIn(this.#nextInterval(this.#missing.size > 0))',
    hunter: DNS,
  },
  {
    name: 'ask as often as ever while somebody is missed',
    file: 'discovery/dns/name-watch.ts',
    find: 'isWanting ? Math.min(2 * intervalMs, MAX_INTERVAL_MS) : FIRST_INTERVAL_MS',
    replace: 'FIRST_INTERVAL_MS',
    hunter: DNS,
  },
  {
    name: 'do not look names up anew when somebody is missed',
    file: 'discovery/dns/name-watch.ts',
    find: 'if (!missing.some((endpointId) => !before.has(endpointId))) return',
    replace: 'if (before.size >= 0) return',
    hunter: DNS,
  },
  {
    name: 'look the same keys up each time, of more than there are turns for',
    file: 'discovery/dns/name-watch.ts',
    find: 'const from = this.#turn < keys.length ? this.#turn : 0',
    replace: 'const from = 0',
    hunter: DNS,
  },
  {
    name: 'wait for every host of a service, however long each takes',
    file: 'discovery/dns/name-watch.ts',
    find: 'if (clock.now() > until || this.#isStopped) break',
    replace: 'if (this.#isStopped) break',
    hunter: DNS,
  },
  {
    name: 'say each time that a name does not work',
    file: 'discovery/dns/dns-discovery.ts',
    find: '    if (!isNews) return\n',
    replace: '',
    hunter: DNS,
  },
  {
    name: 'call it a failure that there is nothing of a key',
    file: 'discovery/dns/zone.ts',
    find: 'isNothing(error) ? null : (error as Error).message',
    replace: '(error as Error).message',
    hunter: DNS,
  },
  {
    name: 'wait for a name server for as long as it likes',
    file: 'discovery/dns/name-service.ts',
    find: 'clock.setTimer(QUESTION_MS, ',
    replace: 'clock.setTimer(1_000 * QUESTION_MS, ',
    hunter: NAMES,
  },
  {
    name: 'look into the first search domain alone',
    file: 'discovery/dns/name-service.ts',
    find: 'if (!isNothing(error)) break',
    replace: 'if (failure !== null) break',
    hunter: NAMES,
  },
  {
    name: 'take a server that fails for one that has nothing',
    file: 'discovery/dns/name-service.ts',
    find: 'throw isNothing(error) ? nothing(name, error) : inWords(error as Error, name, whom)',
    replace: 'throw nothing(name, isNothing(error) ? error : undefined)',
    hunter: NAMES,
  },
  {
    name: 'ask for a host of one family alone',
    file: 'discovery/dns/name-service.ts',
    find: '      this.#ask(host, (resolver, name) => resolver.resolve6(name)),\n',
    replace: '',
    hunter: NAMES,
  },
  {
    name: 'look names up though it is switched off',
    file: 'cluster/real-node.ts',
    find: '...(config.enableDnsDiscovery ?',
    replace: '...(config.dnsDiscoveryUrl.length > 0 ?',
    hunter: NODES,
  },
  {
    name: 'take who asks whose an address is for an attack',
    file: 'net/direct/listener.ts',
    find: '      if (socket.alpnProtocol === WHO_LISTENS_PROTOCOL) return void raw.destroy()\n',
    replace: '',
    hunter: LISTENER,
  },
]
