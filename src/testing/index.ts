// First, for it says which Node this needs.
// oxlint-disable-next-line import/no-unassigned-import
import '../cluster/index.ts'
export { InMemoryCluster } from './in-memory-cluster.ts'
export type { InMemoryClusterOptions } from './in-memory-cluster.ts'
export { exploreActors, simulateActors } from './actors/index.ts'
export type { ActorScenario, ActorTrouble, ActorWorld, ExploreActorsOptions } from './actors/index.ts'
export { AspenRouter, explore, RemoteNode, simulate } from './router/index.ts'
export type {
  ExploreOptions,
  Program,
  ProgramContext,
  RouterOptions,
  Scenario,
  SimulateOptions,
  Trouble,
} from './router/index.ts'
export { SimulationFailure } from './scenario/index.ts'
export type { Simulated } from './scenario/index.ts'
