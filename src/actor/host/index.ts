export { InlineThread, InlineThreads } from './inline-threads.ts'
export { ThreadHost } from './thread-host.ts'
