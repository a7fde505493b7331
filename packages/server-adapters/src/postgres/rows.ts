import { type AccountId, fromBase64Url, idFromBytes } from '@securechat/protocol'

/** As the tables have it. Ids that are none give bytes that nobody has. */
export const accountBytes = (accountId: AccountId): Uint8Array => fromBase64Url(accountId)
export const accountText = (bytes: Uint8Array): AccountId => idFromBytes<AccountId>(bytes)
