export { deleteDefinition } from './delete.ts'
export { getDefinition } from './get.ts'
export { setDefinition } from './set.ts'
