export { ActorError, Refusal } from './actor-error.ts'
export type { ActorErrorCode } from './actor-error.ts'
export type { ActorContext } from './context.ts'
export { defineActor } from './definition.ts'
export type { ActorDefinition, Restart, SpawnOptions, Strategy, SupervisionSettings } from './definition.ts'
export { toError } from './end-reason.ts'
export type { EndReason } from './end-reason.ts'
export type { GroupEvent, GroupMember, Groups, LeaveReason, Membership, MembershipListener } from './groups/index.ts'
export { Later } from './later.ts'
export type { AnswerOf, BodyOf, CallArguments, CallOptions, Handlers, MessageOf, SendArguments, SendOptions } from './protocol.ts'
export { crashFromOutside } from './reference.ts'
export type { ActorRef, Messenger } from './reference.ts'
export type { RemoteRef, Remoting, RemotingOptions } from './remote/index.ts'
export type { RestartNote } from './restart-history.ts'
export { RESTART_SETTINGS } from './restart-policy.ts'
export type { CircuitState, RestartSettings } from './restart-policy.ts'
export type { ActorEvent, Fault, Faults } from './runtime.ts'
export type { ActorSnapshot } from './snapshot.ts'
export { watchLives } from './target.ts'
export type { DownReason, LifeEvent, Target, Watch } from './target.ts'
export { Soon } from './soon.ts'
export { ActorSystem } from './system.ts'
export type { ActorSystemOptions } from './system.ts'
export { InlineThreads, ThreadHost } from './host/index.ts'
export type { InlineThread } from './host/index.ts'
export { inThread } from './thread/index.ts'
export type {
  InThread,
  News,
  Order,
  Thread,
  ThreadListener,
  ThreadOptions,
  ThreadPool,
  ThreadPoolOptions,
  ThreadPort,
  ThreadSettings,
} from './thread/index.ts'
