import type { CryptoDeps, LocalDevice } from '@securechat/crypto'
import type { RelayLink } from './relay-link.js'
import type { LogStore } from './store.js'

/** What every step is given: one person's device. */
export interface Device {
  readonly name: string
  readonly folder: string
  /** Shows a line. */
  readonly tell: (line: string) => void
  readonly deps: CryptoDeps
  readonly store: LogStore
  readonly local: LocalDevice
  readonly link: RelayLink
}
