import { stateMachineContract } from './state-machine.ts'
import { memoryPlace, sqlitePlace } from './state-machine-places.ts'

stateMachineContract('sqlite', sqlitePlace)
stateMachineContract('memory', () => memoryPlace(false))
stateMachineContract('memory, volatile', () => memoryPlace(true))
