export { openDatabase } from './open-database.js'
export type { OpenDatabaseOptions, SqlChanges, SqlDriver, SqlEngine, SqlRow, SqlStatement, SqlValue } from './port.js'
