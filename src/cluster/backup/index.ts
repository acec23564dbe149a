export { backupOf } from './backup-of.ts'
export { saveBackup } from './save-backup.ts'
export { describeBackup, verifyBackup } from './verify-backup.ts'
