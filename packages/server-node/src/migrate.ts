import { join, resolve } from 'node:path'
import { isSecureChatError, SecureChatError } from '@securechat/protocol'
import { type MigrationReport, type MigrationRun, postgresMigrations } from '@securechat/server-adapters/postgres'
import { sqliteMigrations } from '@securechat/server-adapters/sqlite'
import { defineCommand } from 'citty'
import { DATABASE_FILE, databaseUrlOf, openPool } from './backends.js'
import { orSay } from './or-say.js'
import { type Environment, loadSettings } from './settings/load.js'

export interface MigrateArguments {
  readonly config?: string
  readonly data?: string
  readonly 'dry-run': boolean
  readonly check: boolean
}

export const migrate = defineCommand({
  meta: {
    name: 'securechat-server migrate',
    description: 'Brings the database to the schema of this version: one process at a time, each step in a transaction.',
  },
  args: {
    config: { type: 'string', valueHint: 'FILE', description: 'Configuration as JSON (SECURECHAT_CONFIG)' },
    data: {
      type: 'string',
      valueHint: 'DIR',
      description: 'Folder of the SQLite file, where there is no SECURECHAT_DATABASE_URL (SECURECHAT_DATA; default ./data)',
    },
    'dry-run': { type: 'boolean', default: false, description: 'Run the steps and undo them' },
    check: { type: 'boolean', default: false, description: 'Change nothing; exit code 0 if this version can work with the database as it is, else 1' },
  },
  run: ({ args }) => runMigrate(args as MigrateArguments, process.env),
})

interface Migrations {
  check(): Promise<MigrationReport> | MigrationReport
  migrate(options: { readonly dryRun: boolean }): Promise<MigrationRun> | MigrationRun
}

export const runMigrate = (args: MigrateArguments, env: NodeJS.ProcessEnv): Promise<void> =>
  orSay(async () => {
    const settings = loadSettings({ file: args.config ?? env.SECURECHAT_CONFIG, env })
    if (settings.problems[0] !== undefined) throw new SecureChatError('client/invalid-argument', { detail: settings.problems[0] })
    await withMigrations(args.data, settings.env, async (migrations) => {
      const say = (line: string): void => void process.stdout.write(`${line}\n`)
      if (args.check) {
        const report = await migrations.check()
        for (const line of linesOf(report)) say(line)
        if (!report.usable) process.exitCode = 1
        return
      }
      const { applied, report } = await migrations.migrate({ dryRun: args['dry-run'] })
      for (const name of applied) say(`${args['dry-run'] ? 'would apply' : 'applied'} ${name}`)
      for (const line of linesOf(report)) say(line)
    })
  })

async function withMigrations(data: string | undefined, env: Environment, work: (migrations: Migrations) => Promise<void>): Promise<void> {
  const databaseUrl = databaseUrlOf(env)
  if (!databaseUrl) return work(sqliteMigrations({ path: join(resolve(data ?? (env.SECURECHAT_DATA || './data')), DATABASE_FILE) }))
  const pool = await openPool(databaseUrl, 1)
  try {
    await work(postgresMigrations({ pool }))
  } catch (error) {
    // Without the driver's text, which may repeat the URL.
    if (isSecureChatError(error)) throw error
    throw new SecureChatError('server/unavailable', { detail: 'the database cannot be used', cause: error })
  } finally {
    await pool.end()
  }
}

/** For a person: how the database stands. */
export function linesOf({ state, version, pending, ahead, altered }: MigrationReport): string[] {
  const count = `${version} ${version === 1 ? 'migration' : 'migrations'} applied`
  if (state === 'altered') return [`altered: ${altered.join(', ')} was applied with another content`]
  if (state === 'ahead') return [`ahead: ${count}, of which this version does not know ${ahead.join(', ')}`]
  return state === 'pending' ? [`pending: ${count}, missing ${pending.join(', ')}`] : [`current: ${count}`]
}
