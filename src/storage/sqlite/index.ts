export { openSqliteStateMachine } from './sqlite-state-machine.ts'
export type { SqliteStateMachine, SqliteStateMachineOptions } from './sqlite-state-machine.ts'
export { stateWorkerFile } from './worker/index.ts'
