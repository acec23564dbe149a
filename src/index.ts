/** A node inside your own program, and the interfaces it implements. */
export { AspenError, ERROR_CATALOGUE, KvClient } from './api/index.ts'
export type * from './api/index.ts'
export type { Command, Condition, DeleteOperation, Envelope, GetOperation, Operation, SetOperation } from './commands/index.ts'
export { AspenNode, ConfigError, KvServiceBuilder } from './cluster/index.ts'
export type {
  HostPort,
  KvService,
  LogFormat,
  NodeConfig,
  NodeDependencies,
  NodeSettings,
  StorageBackend,
  TransportChoice,
} from './cluster/index.ts'
export type { Logger, LogLevel, Metrics } from './ports/index.ts'
