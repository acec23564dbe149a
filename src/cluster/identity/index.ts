export { writeFileAtomically, writeFileAtomicallySync } from './atomic-file.ts'
export {
  addIdentityFields,
  IDENTITY_FILE,
  IdentityFileError,
  loadOrCreateIdentityFile,
  LOG_CREATED,
  NODE_ID,
} from './identity-file.ts'
export type { IdentityFile } from './identity-file.ts'
export {
  FOUNDING_FOLDER,
  FoundingError,
  readFoundingRecord,
  removeFoundingRecord,
  writeFoundingRecord,
} from './founding-record.ts'
export type { FoundingRecord } from './founding-record.ts'
export { holdsNode, moveNodeFiles, nextAsideFolder, NODE_FILES } from './node-files.ts'
export { RejoinError } from './rejoin-error.ts'
export { isRejoinUnderWay, readRejoinRecord, removeRejoinRecord, writeRejoinRecord } from './rejoin-record.ts'
export type { RejoinRecord } from './rejoin-record.ts'
