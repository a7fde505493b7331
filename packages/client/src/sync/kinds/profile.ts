import { LIMITS } from '@securechat/protocol'
import * as z from 'zod/mini'
import { readOwnProfile, writeOwnProfile } from '../../state/profile.js'
import { bytes, count } from '../../state/record.js'
import { defineKind } from '../kind.js'

export const OWN_PROFILE = 'own'
const schema = z.object({ key: bytes, version: count, name: z.string().check(z.maxLength(LIMITS.labelCharacters)), avatar: z.optional(bytes) })

/** The own profile and its key. Who changes it also uploads it. */
export const ownProfile = defineKind<z.output<typeof schema>>({
  name: 'profile',
  schema,
  register: true,
  async read(_context, reader) {
    const own = await readOwnProfile(reader)
    return own && { key: own.key, version: own.version, name: own.name, ...(own.avatar && { avatar: own.avatar }) }
  },
  async write(_context, tx, { key, value }) {
    if (key === OWN_PROFILE && value.key.length === 32) writeOwnProfile(tx, value)
  },
  keys: async (reader) => ({ keys: (await readOwnProfile(reader)) ? [OWN_PROFILE] : [] }),
})
