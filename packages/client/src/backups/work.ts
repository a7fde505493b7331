/** What is loaded when backups are used, and not with every start. */
export { backupState } from './present.js'
export { runRestore } from './restore.js'
export { runBackup } from './run.js'
export { beginRestore, disableBackups, enableBackups, keysOf, newWords } from './words.js'
