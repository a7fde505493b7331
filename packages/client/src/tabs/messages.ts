import { asSecureChatError, ERRORS, type ErrorCode, SecureChatError } from '@securechat/protocol'
import * as z from 'zod/mini'

/** Of these messages. Tabs of another version do not work through one another, they wait for the lock; but all versions know one another's signs of life. */
export const TABS_VERSION = 1

const error = z.object({ code: z.string(), detail: z.optional(z.string()), retryAfterSeconds: z.optional(z.number()) })
const status = z.enum(['stopped', 'waiting-for-tab', 'connecting', 'online', 'offline', 'signed-out', 'update-required'])
const state = z.object({ status, synced: z.boolean(), retryAt: z.optional(z.number()), error: z.optional(error) })

const schema = z.discriminatedUnion('type', [
  /** Does anybody lead? */
  z.object({ type: z.literal('ping') }),
  /**
   * The leader, on a ping and whenever its connection changes. `by`: this tab and this time that it leads. `running`: it was started, and not only opened
   * for a call.
   */
  z.object({ type: z.literal('leader'), by: z.string(), state, running: z.boolean() }),
  /** A call to the server, through the leader that `to` names, and no other one: it is made at most once. */
  z.object({
    type: z.literal('call'),
    to: z.string(),
    id: z.string(),
    name: z.string(),
    input: z.unknown(),
    registrationToken: z.optional(z.string()),
    timeoutMs: z.optional(z.number()),
  }),
  z.object({ type: z.literal('abort'), id: z.string() }),
  z.object({ type: z.literal('answer'), id: z.string(), output: z.optional(z.unknown()), error: z.optional(error) }),
  /** To the leader: sign in anew, connect now, make room for a tab that was started. */
  z.object({ type: z.literal('please'), what: z.enum(['reauthenticate', 'retry', 'yield']) }),
  /** What a tab has told its app, for the apps of the others. */
  z.object({ type: z.literal('event'), name: z.string(), values: z.array(z.unknown()) }),
  /** A tab signs out, or has failed to: the end of the session is no news. */
  z.object({ type: z.literal('departing'), under: z.boolean() }),
  z.object({ type: z.literal('typing'), peer: z.string(), active: z.boolean() }),
])
export type TabMessage = z.output<typeof schema>
export type SharedState = z.output<typeof state>
export type SharedError = z.output<typeof error>

export const toTab = (message: TabMessage): unknown => ({ v: TABS_VERSION, ...message })
export function fromTab(data: unknown): TabMessage | undefined {
  if ((data as { v?: unknown } | null)?.v !== TABS_VERSION) return undefined
  return z.safeParse(schema, data).data
}

/**
 * `ping` and `leader` have these names in every version: a leader answers everybody, and whoever hears it knows that it lives. Without that an old and a new version
 * of the app would take the lead from one another for ever.
 */
export const kindOf = (data: unknown): unknown => (data as { type?: unknown } | null | undefined)?.type

/** Errors lose their class on the way. */
export function shareError(cause: unknown): SharedError {
  const { code, detail, retryAfterSeconds } = asSecureChatError(cause, 'server/internal')
  return { code, ...(detail !== undefined && { detail }), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
}
export function sharedError({ code, detail, retryAfterSeconds }: SharedError): SecureChatError {
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'server/internal'
  return new SecureChatError(known, { ...(detail !== undefined && { detail }), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) })
}
