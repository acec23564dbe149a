export { readDivergence } from './divergence-mark.ts'
export { TrustedStateMachine } from './trusted-state-machine.ts'
