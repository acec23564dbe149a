import { keyValueStoreContract } from './key-value-store.ts'
import { httpPlace, linkPlace, memoryPlace, nodePlace } from './key-value-store-places.ts'

keyValueStoreContract('InMemoryCluster', memoryPlace, { deadlines: 'never pass' })
keyValueStoreContract('AspenNode', nodePlace, { deadlines: 'kept' })
keyValueStoreContract('connectHttp', httpPlace, { deadlines: 'kept' })
keyValueStoreContract('connectLink', linkPlace, { deadlines: 'kept' })
