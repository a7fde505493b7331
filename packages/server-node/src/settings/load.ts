import { existsSync, readFileSync } from 'node:fs'
import { SecureChatError } from '@securechat/protocol'
import { DEFAULT_LIMITS, type RateLimits } from '@securechat/server'
import { LIMIT_NAMES, limitVariable, SETTINGS, type Setting } from './table.js'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Settings {
  /** What was set, by variable: the environment, and the file where that says nothing. */
  readonly env: Environment
  readonly sources: ReadonlyMap<string, 'environment' | 'file'>
  /** All that is wrong with it, one line each; no value is repeated. */
  readonly problems: readonly string[]
  /** Variables that look like settings and are none. */
  readonly unknown: readonly string[]
}

interface Leaf {
  readonly place: string
  readonly value: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const leaves = (value: unknown, place = ''): Leaf[] =>
  isObject(value) ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, place === '' ? name : `${place}.${name}`)) : [{ place, value }]

function readFile(path: string): unknown {
  if (!existsSync(path)) throw new SecureChatError('client/invalid-argument', { detail: 'the configuration file is not there' })
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // The parser's text quotes what it met, which may be a secret.
    throw new SecureChatError('client/invalid-argument', { detail: 'the configuration file is no JSON' })
  }
}

/** As the variable of the environment would hold it; undefined: not of that kind. */
function textOf({ list }: Setting, value: unknown): string | undefined {
  if (list) return Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.includes(',')) ? value.join(',') : undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function fromFile(path: string): { readonly values: Map<string, string>; readonly problems: string[] } {
  const values = new Map<string, string>()
  const problems: string[] = []
  const content = readFile(path)
  if (!isObject(content)) throw new SecureChatError('client/invalid-argument', { detail: 'the configuration file holds no object' })
  for (const { place, value } of leaves(content)) {
    const setting = SETTINGS.find((one) => one.place === place)
    const secret = SETTINGS.find((one) => one.secret && `${one.place}File` === place)
    if (secret && typeof value === 'string') values.set(`${secret.variable}_FILE`, value)
    else if (!setting) problems.push(`${place}: there is no such setting`)
    else {
      const text = textOf(setting, value)
      if (text === undefined) problems.push(`${place}: takes ${setting.list ? 'a list of texts' : 'a text or a number'}`)
      else values.set(setting.variable, text)
    }
  }
  return { values, problems }
}

/** A slip of the pen would else go unnoticed. */
function unknownVariables(env: Environment): string[] {
  const known = new Set(SETTINGS.flatMap(({ variable, secret }) => (secret ? [variable, `${variable}_FILE`] : [variable])))
  return Object.keys(env)
    .filter((name) => name.startsWith('SECURECHAT_') && name !== 'SECURECHAT_CONFIG' && !known.has(name))
    .sort()
}

/** The environment wins over the file. Throws `client/invalid-argument` for a file that cannot be read at all; everything else is a problem. */
export function loadSettings({ file, env }: { readonly file: string | undefined; readonly env: Environment }): Settings {
  const { values, problems } = file === undefined ? { values: new Map<string, string>(), problems: [] } : fromFile(file)
  const merged: Record<string, string | undefined> = { ...env }
  const sources = new Map<string, 'environment' | 'file'>()
  for (const { variable, secret } of SETTINGS) {
    const names = secret ? [variable, `${variable}_FILE`] : [variable]
    const isSet = names.some((name) => env[name])
    if (isSet) sources.set(variable, 'environment')
    for (const name of names) {
      const value = values.get(name)
      if (value === undefined || isSet) continue
      merged[name] = value
      sources.set(variable, 'file')
    }
  }
  for (const { variable, place, check } of SETTINGS) {
    const text = merged[variable]
    const problem = text ? check?.(text) : undefined
    if (problem) problems.push(`${sources.get(variable) === 'file' ? place : variable} ${problem}`)
  }
  return { env: merged, sources, problems, unknown: unknownVariables(env) }
}

export const listOf = (env: Environment, variable: string): string[] => (env[variable] ? env[variable].split(',').map((one) => one.trim()) : [])

/** Limits that were set; the others keep their defaults. */
export function limitsOf(env: Environment): Partial<RateLimits> {
  const set = LIMIT_NAMES.flatMap((name) => {
    const text = env[limitVariable(name)]
    if (!text) return []
    const [burst = DEFAULT_LIMITS[name].burst, perSecond = DEFAULT_LIMITS[name].perSecond] = text.split('/').map(Number)
    return [[name, { burst, perSecond }] as const]
  })
  return Object.fromEntries(set)
}
