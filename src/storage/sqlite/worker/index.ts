export { stateWorkerFile, StateWorkerLink } from './state-worker-link.ts'
