import type { BackupState, Client } from '@securechat/client'
import type { DemoState } from './live.js'

const WORDS =
  'abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act action actor actress actual'.split(
    ' ',
  )

export const DEMO_BACKUPS: Readonly<Record<string, BackupState>> = {
  'backup-on': { enabled: true, bytes: 4_812_300, lastAt: Date.now() - 7_200_000 },
  'backup-running': { enabled: true, bytes: 1_812_300, lastAt: Date.now() - 90_000_000, progress: { done: 340, total: 1210 } },
  restoring: { enabled: true, bytes: 0, restore: { status: 'running', createdAt: Date.now() - 86_400_000, progress: { done: 610, total: 1900 } } },
}

export function demoBackups(state: DemoState, first: BackupState = { enabled: false, bytes: 0 }): Client['backups'] {
  let backup = first
  const set = (next: BackupState): BackupState => {
    backup = next
    state.changed()
    return next
  }
  return {
    createWords: async () => ({ words: WORDS, challenge: [3, 11, 20] }),
    enable: async () => set({ enabled: true, bytes: 0, progress: { done: 1, total: 40 } }),
    state: async () => backup,
    live: () => state.live(() => backup),
    run: async () => backup,
    async disable() {
      set({ enabled: false, bytes: 0 })
    },
    restore: async () => backup,
  }
}
