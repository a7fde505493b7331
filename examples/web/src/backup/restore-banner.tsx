import { useBackup } from '@securechat/react'
import { errorText } from '../format/error-text.js'
import { dayLabel } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { ProgressBar } from '../ui/progress-bar.js'

/** Above the chats while a backup comes back: its day is shown, for nothing but the person notices that it is an old one. */
export function RestoreBanner() {
  const { data: backup } = useBackup()
  const now = useNow(undefined)
  const restore = backup?.restore
  if (!restore || restore.status === 'done') return null
  return (
    <section aria-label="Restoring" className="mx-3 mt-1 mb-2 flex flex-col gap-2 rounded-2xl bg-sunken p-3.5" data-testid="restoring">
      <p className="font-medium text-sm">
        {restore.status === 'failed' ? 'Not everything came back' : 'Your messages are coming back'} · backup of{' '}
        {dayLabel(restore.createdAt, now).toLowerCase()}
      </p>
      <ProgressBar {...restore.progress} label="Restoring" />
      {restore.error && <p className="text-ink-soft text-sm">{errorText(restore.error)}</p>}
    </section>
  )
}
