// First, for it says which Node this needs.
// oxlint-disable-next-line import/no-unassigned-import
import '../cluster/index.ts'
export { InMemoryCluster } from './in-memory-cluster.ts'
export type { InMemoryClusterOptions } from './in-memory-cluster.ts'
export { AspenRouter, explore, RemoteNode, simulate, SimulationFailure } from './router/index.ts'
export type {
  ExploreOptions,
  Program,
  ProgramContext,
  RouterOptions,
  Scenario,
  SimulateOptions,
  Simulated,
  Trouble,
} from './router/index.ts'
