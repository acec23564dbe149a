export { InMemoryCluster } from './in-memory-cluster.ts'
export type { InMemoryClusterOptions } from './in-memory-cluster.ts'
