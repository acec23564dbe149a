import { clusterControllerContract } from './cluster-controller.ts'
import { httpPlace, memoryPlace, nodePlace, volatileNodePlace } from './cluster-controller-places.ts'

clusterControllerContract('InMemoryCluster', memoryPlace, {
  peers: 'said',
})
clusterControllerContract('AspenNode', nodePlace, { peers: 'live' })
clusterControllerContract('AspenNode in memory', volatileNodePlace, { peers: 'live' })
clusterControllerContract('connectHttp', httpPlace, { peers: 'live' })
