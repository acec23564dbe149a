import { keyValueStoreContract } from './key-value-store.ts'
import { httpPlace, linkPlace, memoryPlace, nodePlace } from './key-value-store-places.ts'

keyValueStoreContract('InMemoryCluster', memoryPlace, { timeoutOutOfRange: 'refused', deadlines: 'never pass' })
keyValueStoreContract('AspenNode', nodePlace, { timeoutOutOfRange: 'refused', deadlines: 'kept' })
keyValueStoreContract('connectHttp', httpPlace, { timeoutOutOfRange: 'clamped', deadlines: 'kept' })
keyValueStoreContract('connectLink', linkPlace, { timeoutOutOfRange: 'clamped', deadlines: 'kept' })
