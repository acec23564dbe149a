export { checkNames, play, playSeeds, SimulationFailure } from './play.ts'
export type { PlayOptions, SeedsOptions, Simulated, Stage, World } from './play.ts'
