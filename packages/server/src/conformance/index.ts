import { accountCases } from './accounts.js'
import { archiveCases } from './archives.js'
import type { ConformanceCase, StoreContext } from './case.js'
import { instanceCases } from './instances.js'
import { linkCases } from './links.js'
import { loginCases } from './logins.js'
import { mailboxCases } from './mailboxes.js'
import { ownDeviceCases } from './own-devices.js'
import { preKeyCases, sessionCases } from './sessions.js'

export { busSuite } from './bus.js'
export type { BusContext, ConformanceCase, StoreContext } from './case.js'

/** What a `ServerStore` must do, as data. Run every case, each with a new context or the same one. */
export const storeSuite: readonly ConformanceCase<StoreContext>[] = [
  ...loginCases,
  ...linkCases,
  ...ownDeviceCases,
  ...archiveCases,
  ...accountCases,
  ...sessionCases,
  ...preKeyCases,
  ...mailboxCases,
  ...instanceCases,
]
