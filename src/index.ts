/** A node inside your own program, and the interfaces it implements. */
export { AspenError, ERROR_CATALOGUE } from './api/index.ts'
export type * from './api/index.ts'
export { AspenNode, ConfigError } from './cluster/index.ts'
export type { NodeConfig, NodeDependencies } from './cluster/index.ts'
export type { Logger, LogLevel, Metrics } from './ports/index.ts'
