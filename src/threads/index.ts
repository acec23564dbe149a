export { workerThreads } from './worker-threads.ts'
