/**
 * Runs on a host: says by multicast that there are nodes, as somebody may who is on the network and knows a cookie.
 *
 *     node announcer.ts HOST-ADDRESS COOKIE COUNT EVERY-MS
 *
 * They are numbered from `0`: their keys are that number in 64 digits. All are said to listen at port 9 of the host, where nobody does.
 */
import { encodeAnnouncement } from '../../src/discovery/mdns/announcement.ts'
import { mdnsScope, MulticastSockets } from '../../src/discovery/index.ts'
import { deriveCookieKey } from '../../src/net/index.ts'

const [address = '', cookie = '', count = '1', everyMs = '100'] = process.argv.slice(2)
const scope = mdnsScope(await deriveCookieKey(cookie))
const sockets = new MulticastSockets({
  heard: () => undefined,
  failed: (_address, error) => {
    throw error
  },
  works: () => undefined,
})
sockets.use([{ name: 'eth0', address, addresses: [address], networks: [`${address}/24`] }])
let next = 0
setInterval(() => {
  const endpointId = (next++ % Number(count)).toString(16).padStart(64, '0')
  const self = { endpointId, nodeId: 99, clusterId: null, addresses: [`${address}:9`], relay: null }
  sockets.say(address, encodeAnnouncement({ self, scope }, 120))
}, Number(everyMs))
