export { attributesOf, placesIn, recordName } from './attributes.ts'
export type { Places } from './attributes.ts'
