/** Connections over QUIC as iroh has it. */
export { BindError } from './worker-process.ts'
export { IrohCarrier } from './iroh-carrier.ts'
export type { IrohCarrierOptions } from './iroh-carrier.ts'
