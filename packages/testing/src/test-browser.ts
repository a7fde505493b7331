import type { LockPort, OpenTabPort } from '@securechat/client'
import { SecureChatError } from '@securechat/protocol'

/** What a browser gives to one of its tabs. */
export interface TestTab {
  readonly lock: LockPort
  readonly tabs: OpenTabPort
  /**
   * Nothing reaches the tab any more and nobody hears it; its lock it keeps. Unlike in a browser its code runs on, as if it had been thawed without a word of what
   * has happened meanwhile: the worst there is.
   */
  freeze(): void
  /** It learns that its lock was stolen. */
  thaw(): void
  /** The tab is gone, as closed or crashed: nobody hears it, and its locks are free. Its client has to be killed besides. */
  die(): void
}

/** Tabs of one origin: they share a lock and a channel. Each client on one disk gets a tab of its own. */
export interface TestBrowser {
  tab(): TestTab
}

interface State {
  frozen: boolean
  dead: boolean
  readonly late: (() => void)[]
  readonly releases: Set<() => void>
}

export function createTestBrowser(): TestBrowser {
  const ports = new Map<string, Set<{ readonly tab: State; readonly hear: (message: unknown) => void }>>()
  const holders = new Map<string, { readonly lost: () => void }>()
  const waiting: { readonly name: string; readonly tab: State; readonly give: () => void }[] = []

  const next = (name: string): void => {
    const at = waiting.findIndex((entry) => entry.name === name && !entry.tab.dead)
    if (at >= 0) waiting.splice(at, 1)[0]!.give()
  }
  const whenAwake = (tab: State, action: () => void): void => {
    if (tab.frozen) tab.late.push(action)
    else queueMicrotask(action)
  }

  const lockOf = (tab: State): LockPort => ({
    acquire: (name, { signal, onWait, onLost, steal = false }) =>
      new Promise((resolve, reject) => {
        const give = (): void => {
          const holder = { lost: () => whenAwake(tab, () => onLost?.()) }
          holders.set(name, holder)
          const release = (): void => {
            tab.releases.delete(release)
            if (holders.get(name) !== holder) return
            holders.delete(name)
            next(name)
          }
          tab.releases.add(release)
          resolve(release)
        }
        if (tab.dead) return
        const before = holders.get(name)
        if (!before || steal) {
          give()
          return before?.lost()
        }
        const entry = { name, tab, give }
        waiting.push(entry)
        signal.addEventListener('abort', () => {
          const at = waiting.indexOf(entry)
          if (at < 0) return
          waiting.splice(at, 1)
          reject(new SecureChatError('request/aborted'))
        })
        onWait()
      }),
  })
  const portsOf =
    (tab: State): OpenTabPort =>
    (name, hear) => {
      const all = ports.get(name) ?? new Set()
      ports.set(name, all)
      const self = { tab, hear }
      all.add(self)
      return {
        post(message) {
          if (tab.frozen || tab.dead) return
          const copy: unknown = structuredClone(message)
          for (const other of all) if (other !== self && !other.tab.frozen) queueMicrotask(() => other.tab.dead || other.hear(copy))
        },
        close: () => void all.delete(self),
      }
    }

  return {
    tab() {
      const tab: State = { frozen: false, dead: false, late: [], releases: new Set() }
      return {
        lock: lockOf(tab),
        tabs: portsOf(tab),
        freeze() {
          tab.frozen = true
        },
        thaw() {
          tab.frozen = false
          for (const action of tab.late.splice(0)) action()
        },
        die() {
          tab.dead = true
          for (const release of [...tab.releases]) release()
        },
      }
    },
  }
}
