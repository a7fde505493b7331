import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { asSecureChatError } from '@securechat/protocol/core'
import type { ByteSink } from '../attachment/sink.js'

/**
 * A file that exists under its name only when it is whole: written beside it as `<path>.part`, synced and renamed by `commit`, removed by
 * `abort`. A crash can leave the `.part`, which the next sink of that path overwrites. Throws `storage/unavailable`.
 */
export function fileSink(path: string): ByteSink {
  const part = `${path}.part`
  let opening: Promise<FileHandle> | undefined
  const file = (): Promise<FileHandle> => {
    opening ??= open(part, 'w', 0o600)
    return opening
  }
  const close = async (): Promise<void> => {
    const handle = await opening?.catch(() => undefined)
    await handle?.close()
  }
  return {
    borrows: true,
    async write(bytes) {
      try {
        await (await file()).appendFile(bytes)
      } catch (error) {
        throw asSecureChatError(error, 'storage/unavailable')
      }
    },
    async commit() {
      try {
        await (await file()).sync()
        await close()
        await rename(part, path)
      } catch (error) {
        throw asSecureChatError(error, 'storage/unavailable')
      }
    },
    async abort() {
      // Whether or not it can still be closed, it has to go.
      await close().catch(() => undefined)
      await rm(part, { force: true })
    },
  }
}
