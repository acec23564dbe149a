export type { AdminRequest } from './membership-admin.ts'
export { Requests } from './requests.ts'
