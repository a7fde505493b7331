import * as z from 'zod/mini'
import { type AccountId, type ConversationId, type DeviceId, isDeviceId, isIdText, isPhoneNumber, type MessageId, type Timestamp } from './ids.js'
import { LIMITS } from './limits.js'

/** Building blocks of the operation schemas. `meta` carries the JSON Schema that OpenAPI shows where zod cannot know it. */
export const jsonSchemaOf = z.registry<{ readonly jsonSchema: Record<string, unknown> }>()

const described = <T>(accepts: (value: unknown) => boolean, jsonSchema: Record<string, unknown>) => {
  const schema = z.custom<T>(accepts)
  schema.register(jsonSchemaOf, { jsonSchema })
  return schema
}

const idSchema = <T>(what: string) =>
  described<T>(isIdText, { type: 'string', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$', description: `${what}: 16 bytes as base64url` })

export const accountId = idSchema<AccountId>('Account id')
export const messageId = idSchema<MessageId>('Message id')
export const conversationId = idSchema<ConversationId>('Conversation id')
export const opaqueId = idSchema<string>('Id')
export const deviceId = described<DeviceId>(isDeviceId, { type: 'integer', minimum: 1, maximum: 0xffffffff, description: 'Device id, u32' })
export const phoneNumber = described<string>(isPhoneNumber, { type: 'string', pattern: '^\\+[1-9]\\d{6,14}$', description: 'E.164 number' })
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
export const timestamp = described<Timestamp>((value) => isCount(value) && value <= LIMITS.latestTime, {
  type: 'integer',
  minimum: 0,
  maximum: LIMITS.latestTime,
  description: 'Milliseconds since 1970-01-01 UTC',
})
export const counter = described<number>(isCount, { type: 'integer', minimum: 0 })

/** Bytes of a length between the bounds; in JSON bodies base64url. */
export const bytes = (minimum: number, maximum: number = minimum) =>
  described<Uint8Array>((value) => value instanceof Uint8Array && value.length >= minimum && value.length <= maximum, {
    type: 'string',
    contentEncoding: 'base64url',
    description: minimum === maximum ? `${minimum} bytes` : `${minimum} to ${maximum} bytes`,
  })

export const shortText = z.string().check(z.maxLength(LIMITS.labelCharacters))
export const token = z.string().check(z.minLength(16), z.maxLength(2048), z.regex(/^[\x21-\x7e]+$/))

/** Unknown fields are kept: what a newer peer adds survives being stored and forwarded. */
export const object = z.looseObject
