export { openDurableHome, openMemoryHome } from './open-stores.ts'
export type { NodeHome } from './open-stores.ts'
export { PeerBookFile, PeerBookFileError } from './peer-book-file.ts'
