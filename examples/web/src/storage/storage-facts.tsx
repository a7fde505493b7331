import { useAction, useStorageState } from '@securechat/react'
import { HardDrive } from 'lucide-react'
import { errorText } from '../format/error-text.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'

const megabytes = (bytes: number): string => `${Math.round(bytes / 1_000_000).toLocaleString('en')} MB`

/** Whether this browser keeps what is stored in it, in the settings. */
export function StorageFacts() {
  const { data: storage } = useStorageState()
  const { run, pending } = useAction((client) => client.storage.keep())
  const toast = useToast()
  if (!storage) return null
  const { risks, usageBytes, quotaBytes } = storage
  const mayGo = risks.includes('not-persistent')
  const keep = async (): Promise<void> => {
    const outcome = await run()
    if (!outcome.ok) return toast(errorText(outcome.error))
    toast(
      outcome.value.risks.includes('not-persistent')
        ? 'This browser did not agree. Installing the app, or a bookmark, may change that.'
        : 'This browser keeps your messages.',
    )
  }
  return (
    <div className="flex gap-3 rounded-2xl border border-line p-4 text-sm" data-testid="storage-facts">
      <HardDrive className={`mt-0.5 size-[18px] shrink-0 ${mayGo ? 'text-warning-ink' : 'text-accent-ink'}`} aria-hidden />
      <div className="flex flex-1 flex-col items-start gap-2">
        <div>
          <p className="font-semibold text-base leading-snug">{mayGo ? 'This browser may delete your messages' : 'This browser keeps your messages'}</p>
          <p className="text-pretty text-ink-soft">
            {mayGo ? 'When space is short, or when you have not been here for long. A backup or a second device brings them back.' : 'Only you can clear them.'}
            {usageBytes !== undefined && quotaBytes !== undefined && ` ${megabytes(usageBytes)} of ${megabytes(quotaBytes)} are used.`}
          </p>
        </div>
        {mayGo && (
          <Button small variant="secondary" pending={pending} onClick={() => void keep()} data-testid="keep-storage">
            Ask it to keep them
          </Button>
        )}
      </div>
    </div>
  )
}
