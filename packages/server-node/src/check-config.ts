import { isSecureChatError } from '@securechat/protocol'
import { postgresMigrations } from '@securechat/server-adapters/postgres'
import { defineCommand } from 'citty'
import { databaseUrlOf, openPool, openRedis, redisUrlOf } from './backends.js'
import { clientAddress } from './forwarded.js'
import { linesOf } from './migrate.js'
import { orSay } from './or-say.js'
import { otpSender } from './otp.js'
import { requireProductionSecrets } from './secrets.js'
import { type Environment, listOf, loadSettings, type Settings } from './settings/load.js'
import { SETTINGS } from './settings/table.js'

export interface CheckArguments {
  readonly config?: string
  readonly dev: boolean
  readonly connect: boolean
}

export const checkConfig = defineCommand({
  meta: {
    name: 'securechat-server check-config',
    description: 'Shows what is set and where, and everything that is wrong with it, without starting anything.',
  },
  args: {
    config: { type: 'string', valueHint: 'FILE', description: 'Configuration as JSON (SECURECHAT_CONFIG)' },
    dev: { type: 'boolean', default: false, description: 'As for --dev, which needs neither secrets nor a sender of codes' },
    connect: { type: 'boolean', default: false, description: 'Also ask the database and Redis whether they are there' },
  },
  run: ({ args }) => runCheckConfig(args as CheckArguments, process.env),
})

/** Exit code 0 if a server would start with it, else 1. */
export const runCheckConfig = (args: CheckArguments, env: NodeJS.ProcessEnv): Promise<void> =>
  orSay(async () => {
    const settings = loadSettings({ file: args.config ?? env.SECURECHAT_CONFIG, env })
    const problems = [...settings.problems, ...problemsOf(args.dev, settings.env), ...(args.connect ? await connectionProblems(settings.env) : [])]
    process.stdout.write(`${[...shown(settings), ...settings.unknown.map((name) => `warning: ${name} is no setting`)].join('\n')}\n`)
    for (const problem of problems) process.stdout.write(`problem: ${problem}\n`)
    process.stdout.write(problems.length === 0 ? 'The configuration is good.\n' : `${problems.length} to mend.\n`)
    if (problems.length > 0) process.exitCode = 1
  })

/** One line for each that is set, secrets without their value. */
function shown({ env, sources }: Settings): string[] {
  return SETTINGS.flatMap(({ variable, secret }) => {
    const source = sources.get(variable)
    if (!source) return []
    const value = secret ? (env[`${variable}_FILE`] && !env[variable] ? '(secret, in a file)' : '(secret)') : shownText(env[variable] ?? '')
    return [`${variable} = ${value} (${source})`]
  })
}

/** Login and query of an address may be what opens it. */
function shownText(text: string): string {
  if (!URL.canParse(text)) return text
  const { username, password, search, origin, pathname } = new URL(text)
  return username || password || search ? `${origin}${pathname} (and what is secret in it)` : text
}

/** What the parts of a server say when they are given it, one after the other, so that one problem hides no other. */
function problemsOf(dev: boolean, env: Environment): string[] {
  const parts: (() => unknown)[] = [
    () => databaseUrlOf(env),
    () => redisUrlOf(env),
    () => clientAddress(listOf(env, 'SECURECHAT_TRUSTED_PROXIES')),
    () => dev || requireProductionSecrets(env),
    () => otpSender(dev, env),
  ]
  return parts.flatMap((part) => {
    try {
      part()
      return []
    } catch (error) {
      if (!isSecureChatError(error)) throw error
      return [error.detail ?? error.message]
    }
  })
}

async function connectionProblems(env: Environment): Promise<string[]> {
  const [databaseUrl, redisUrl] = [databaseUrlOf(env), redisUrlOf(env)]
  return [...(databaseUrl ? await databaseProblems(databaseUrl, env) : []), ...(redisUrl ? await redisProblems(redisUrl) : [])]
}

async function databaseProblems(url: string, env: Environment): Promise<string[]> {
  const pool = await openPool(url, 1)
  try {
    const report = await postgresMigrations({ pool }).check()
    const willApply = report.state === 'pending' && env.SECURECHAT_MIGRATIONS !== 'require'
    return report.usable || willApply ? [] : linesOf(report).map((line) => `the database is ${line}`)
  } catch {
    // The driver's text may repeat the URL.
    return ['the database cannot be used']
  } finally {
    await pool.end()
  }
}

async function redisProblems(url: string): Promise<string[]> {
  const client = await openRedis(url, { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.ping()
    return []
  } catch {
    return ['Redis does not answer']
  } finally {
    client.disconnect()
  }
}
