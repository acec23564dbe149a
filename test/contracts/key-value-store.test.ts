import { IS_FULL_VOLUME } from '../volume.ts'
import { keyValueStoreContract } from './key-value-store.ts'
import { httpPlace, linkPlace, memoryPlace, nodePlace, volatileNodePlace } from './key-value-store-places.ts'

keyValueStoreContract('InMemoryCluster', memoryPlace, { deadlines: 'never pass' })
keyValueStoreContract('AspenNode', nodePlace, { deadlines: 'kept' })
// Its stores have contracts of their own: with them, CI alone needs it again.
if (IS_FULL_VOLUME) keyValueStoreContract('AspenNode in memory', volatileNodePlace, { deadlines: 'kept' })
keyValueStoreContract('connectHttp', httpPlace, { deadlines: 'kept' })
keyValueStoreContract('connectLink', linkPlace, { deadlines: 'kept' })
