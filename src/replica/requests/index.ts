export type { AdminRequest } from './membership-admin.ts'
export type { VersionStanding } from './cluster-version.ts'
export { Requests } from './requests.ts'
