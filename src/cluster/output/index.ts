export { OutputChannel } from './output-channel.ts'
export { standardError, standardOutput } from './standard-channels.ts'
