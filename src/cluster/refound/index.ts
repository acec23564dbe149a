export { FoundingDirectory } from './founding-directory.ts'
export { recover } from './recover.ts'
export type { RecoverOptions } from './recover.ts'
export type { Survivor } from './survivor.ts'
