export { openMemoryStateMachine } from './memory-state-machine.ts'
export type { MemoryStateMachine, MemoryStateMachineOptions } from './memory-state-machine.ts'
export { MemoryStore } from './memory-store.ts'
