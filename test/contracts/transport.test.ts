import { describeTransport } from './transport.ts'
import { createDirectWorld } from './transport-direct-world.ts'
import { createMemoryWorld } from './transport-memory-world.ts'

describeTransport('in memory', createMemoryWorld)
describeTransport('direct', createDirectWorld)
