import { clusterControllerContract } from './cluster-controller.ts'
import { httpPlace, memoryPlace, nodePlace } from './cluster-controller-places.ts'

clusterControllerContract('InMemoryCluster', memoryPlace, {
  peers: 'said',
  repeatedIds: 'folded',
  timeoutOutOfRange: 'refused',
})
clusterControllerContract('AspenNode', nodePlace, { peers: 'live', repeatedIds: 'folded', timeoutOutOfRange: 'refused' })
clusterControllerContract('connectHttp', httpPlace, { peers: 'live', repeatedIds: 'refused', timeoutOutOfRange: 'clamped' })
