export { absentCondition } from './absent.ts'
export { modRevisionCondition } from './mod-revision.ts'
export { valueCondition } from './value.ts'
