import { clusterControllerContract } from './cluster-controller.ts'
import { httpPlace, memoryPlace, nodePlace, volatileNodePlace } from './cluster-controller-places.ts'

clusterControllerContract('InMemoryCluster', memoryPlace, {
  peers: 'said',
  repeatedIds: 'folded',
})
clusterControllerContract('AspenNode', nodePlace, { peers: 'live', repeatedIds: 'folded' })
clusterControllerContract('AspenNode in memory', volatileNodePlace, { peers: 'live', repeatedIds: 'folded' })
clusterControllerContract('connectHttp', httpPlace, { peers: 'live', repeatedIds: 'refused' })
