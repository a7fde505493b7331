import type { KeepingState, StorageKeeping } from '@securechat/storage'
import { databaseName } from './connection.js'
import { persistence } from './persistence.js'

/** Absent in workers, and where the person has forbidden it. */
function marks(): Storage | undefined {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}
const markKey = (name: string): string => `${databaseName(name)}/kept`

/** As localStorage, which is full or forbidden at times: then there is no mark, and nothing else depends on it. */
export function setMark(name: string, worth: boolean): void {
  try {
    if (worth) marks()?.setItem(markKey(name), '1')
    else marks()?.removeItem(markKey(name))
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
  }
}

export function createKeeping(name: string, now: () => Pick<KeepingState, 'gone' | 'full'>): StorageKeeping {
  return {
    async state() {
      const { persisted, usageBytes, quotaBytes } = await persistence()
      return { ...now(), persisted, usageBytes, quotaBytes }
    },
    request: async () => (await persistence({ request: true })).persisted,
    marked: () => marks()?.getItem(markKey(name)) === '1',
    mark: (worth) => setMark(name, worth),
  }
}
