import { IS_FULL_VOLUME } from '../volume.ts'
import { clusterControllerContract } from './cluster-controller.ts'
import { httpPlace, memoryPlace, nodePlace, volatileNodePlace } from './cluster-controller-places.ts'

clusterControllerContract('InMemoryCluster', memoryPlace, {
  peers: 'said',
})
clusterControllerContract('AspenNode', nodePlace, { peers: 'live' })
// Its stores have contracts of their own: with them, CI alone needs it again.
if (IS_FULL_VOLUME) clusterControllerContract('AspenNode in memory', volatileNodePlace, { peers: 'live' })
clusterControllerContract('connectHttp', httpPlace, { peers: 'live' })
