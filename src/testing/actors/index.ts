export type { ActorTrouble, ActorWorld } from './actor-world.ts'
export { exploreActors, simulateActors } from './simulate-actors.ts'
export type { ActorScenario, ExploreActorsOptions } from './simulate-actors.ts'
