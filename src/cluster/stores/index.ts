export { openMemoryHome } from './memory-home.ts'
export type { NodeHome } from './node-home.ts'
export { openDurableHome } from './open-stores.ts'
export { PeerBookFile, PeerBookFileError } from './peer-book-file.ts'
