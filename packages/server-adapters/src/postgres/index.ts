export type { MigrationReport, MigrationRun } from '../migrations/plan.js'
export { type PostgresMigrations, postgresMigrations } from './migrations.js'
export type { PostgresClient, PostgresPool, PostgresQuery } from './pool.js'
export { type PostgresStoreOptions, postgresStore } from './postgres-store.js'
