export { Remoting } from './remoting.ts'
export type { RemotingOptions } from './remoting.ts'
export type { RemoteRef } from './remote-ref.ts'
