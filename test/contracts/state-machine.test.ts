import { stateMachineContract } from './state-machine.ts'
import { memoryPlace, sqlitePlace } from './state-machine-places.ts'

stateMachineContract('sqlite', sqlitePlace, { survives: true })
stateMachineContract('memory', () => memoryPlace(false), { survives: true })
stateMachineContract('memory, volatile', () => memoryPlace(true), { survives: false })
