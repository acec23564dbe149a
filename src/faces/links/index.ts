export { ClientService } from './client-service.ts'
export type { ClientServiceOptions } from './client-service.ts'
export type { LinkedStore } from './answer-request.ts'
