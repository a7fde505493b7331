import { openDatabase, type SqlDriver } from '@securechat/storage-sqlite/driver'

/**
 * Rows are counted and delivered from memory, so one process owns the file: it holds the write lock of a file beside it for
 * its whole life. The system takes the lock away with the process, however that ends.
 */
export function own(path: string): SqlDriver | undefined {
  if (path === ':memory:') return undefined
  const owner = openDatabase(`${path}-owner`, { busyTimeoutMs: 0 })
  try {
    owner.exec('BEGIN IMMEDIATE')
    return owner
  } catch (error) {
    owner.close()
    throw error
  }
}
