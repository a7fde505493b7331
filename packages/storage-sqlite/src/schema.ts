import { SecureChatError } from '@securechat/protocol'
import type { SqlDriver } from './driver/index.js'

/** Tells our files from other SQLite databases: "SCcl". */
const APPLICATION_ID = 0x5343636c
/** Format of the tables below, in `PRAGMA user_version`. */
const FORMAT = 1

/**
 * BINARY collation of ASCII text is code unit order. WITHOUT ROWID: rows lie in key order, so a page of a listing is one walk.
 * `counter` is the last commit's version; it is a row of its own because versions must not come back when all entries are deleted.
 */
const TABLES = `
CREATE TABLE entries (key TEXT NOT NULL COLLATE BINARY PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), counter INTEGER NOT NULL) STRICT;
INSERT INTO meta (id, counter) VALUES (1, 0);
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${FORMAT};
`

/** Makes the tables in a new file. Throws `storage/corrupt` for a database of something else, `protocol/unsupported-version` for a newer format. */
export function prepareSchema(driver: SqlDriver): void {
  driver.transaction(() => {
    const application = driver.prepare<{ application_id: number }>('PRAGMA application_id').get()?.application_id
    const format = driver.prepare<{ user_version: number }>('PRAGMA user_version').get()?.user_version ?? 0
    const tables = driver.prepare<{ count: number }>('SELECT count(*) AS count FROM sqlite_schema').get()?.count ?? 0
    if (application === 0 && format === 0 && tables === 0) {
      driver.exec(TABLES)
      return
    }
    if (application !== APPLICATION_ID) throw new SecureChatError('storage/corrupt', { detail: 'not a SecureChat client store' })
    if (format !== FORMAT) throw new SecureChatError('protocol/unsupported-version', { detail: 'sqlite store format' })
  })
}
