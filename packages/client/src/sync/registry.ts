import type { SyncKind } from './kind.js'
import { chatSettings } from './kinds/chat.js'
import { contactState } from './kinds/contact.js'
import { deviceNames } from './kinds/device.js'
import { ownProfile } from './kinds/profile.js'
import { readState } from './kinds/read.js'

/** Everything that the devices of an account share beside the messages themselves, in the order in which a new device is told. */
export const SYNC_KINDS: readonly SyncKind[] = [ownProfile, deviceNames, contactState, chatSettings, readState]

export const syncKind = (name: string): SyncKind | undefined => SYNC_KINDS.find((kind) => kind.name === name)
