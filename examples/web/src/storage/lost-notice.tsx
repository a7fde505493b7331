import { useStorageState } from '@securechat/react'
import { Eraser } from 'lucide-react'

/** On the login screen of a browser that had an account and has deleted it: what happened, and which way leads back. */
export function LostNotice() {
  const { data: storage } = useStorageState()
  if (!storage?.risks.includes('lost')) return null
  return (
    <section
      aria-label="What happened to your messages"
      data-testid="store-lost"
      className="flex gap-3 rounded-2xl border border-warning-line bg-warning-soft p-4 text-sm text-warning-ink"
    >
      <Eraser className="mt-0.5 size-[18px] shrink-0" aria-hidden />
      <div className="flex flex-col gap-1">
        <p className="font-semibold text-base leading-snug">This browser has deleted your messages</p>
        <p className="text-pretty">
          Its data was cleared, or space was short. Link it to your other device again, or sign in with your number and the 24 words of your backup. Then remove
          the device that this browser was from your list.
        </p>
      </div>
    </section>
  )
}
