export { rejoin } from './rejoin.ts'
export type { RejoinOptions } from './rejoin.ts'
export type { RejoinVia } from './rejoin-cluster.ts'
