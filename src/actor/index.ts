export { Actor } from './actor.ts'
export type { ActorOptions, ActorStatus } from './actor.ts'
export { Mailbox } from './mailbox.ts'
