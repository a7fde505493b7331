export type { MigrationReport, MigrationRun } from '../migrations/plan.js'
export { type SqliteMigrations, sqliteMigrations } from './migrations.js'
export { type SqliteStoreOptions, sqliteStore } from './sqlite-store.js'
