import { useAction, useBackup } from '@securechat/react'
import { CloudUpload } from 'lucide-react'
import { useState } from 'react'
import { PaneHeader } from '../chats/pane-header.js'
import { errorText } from '../format/error-text.js'
import { dayLabel, timeOfDay } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { leave, useRoute } from '../shell/route.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { ProgressBar } from '../ui/progress-bar.js'
import { WordsDialog } from './words-dialog.js'

const size = (bytes: number): string => (bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`)

/** Settings → Backup. */
export default function BackupPane() {
  const { chat } = useRoute()
  const toast = useToast()
  const now = useNow(30_000)
  const { data: backup } = useBackup()
  const [dialog, setDialog] = useState<'words' | 'off'>()
  const close = (): void => setDialog(undefined)
  const run = useAction((client) => client.backups.run())
  const off = useAction((client) => client.backups.disable())
  const problem = run.error ?? backup?.error
  return (
    <>
      <PaneHeader title="Backup" backLabel="Back to the settings" onBack={() => leave({ pane: 'settings', chat })} />
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto px-5 pt-2 pb-8">
        <section aria-label="State of the backup" className="flex flex-col items-center gap-4 rounded-3xl bg-sunken px-5 py-6 text-center">
          <span aria-hidden className="grid size-16 place-items-center rounded-full bg-accent-soft text-accent-ink">
            <CloudUpload className="size-8" />
          </span>
          {backup?.enabled ? (
            <>
              <p className="text-pretty" data-testid="backup-state" data-enabled>
                {backup.lastAt === undefined
                  ? 'The first backup is being made.'
                  : `Last backup: ${dayLabel(backup.lastAt, now)}, ${timeOfDay(backup.lastAt)} · ${size(backup.bytes)}`}
              </p>
              {backup.progress && <ProgressBar {...backup.progress} label="Backing up" />}
              <Button pending={run.pending} onClick={() => void run.run()} data-testid="backup-now">
                Back up now
              </Button>
            </>
          ) : (
            <>
              <p className="max-w-xs text-pretty text-ink-soft" data-testid="backup-state">
                If you lose all your devices, your account and messages come back with 24 words on paper. The server keeps only what those words can open.
              </p>
              <Button disabled={!backup} onClick={() => setDialog('words')} data-testid="create-backup" data-focus-home>
                Create a backup
              </Button>
            </>
          )}
        </section>
        {problem && <FieldError>{errorText(problem)}</FieldError>}
        {backup?.enabled && (
          <Button variant="quiet-danger" className="border border-line" onClick={() => setDialog('off')} data-testid="backup-off">
            Turn off and erase the backup …
          </Button>
        )}
      </div>
      {dialog === 'words' && (
        <WordsDialog
          onClose={close}
          onDone={() => {
            close()
            toast('Backups are on')
          }}
        />
      )}
      <ConfirmDialog
        open={dialog === 'off'}
        onOpenChange={close}
        title="Turn backups off?"
        description="What is on the server is erased. Your 24 words stay those of your account: keep them."
        action="Turn off"
        testId="confirm-backup-off"
        onConfirm={async () => (await off.run()).ok}
        error={off.error && errorText(off.error)}
      />
    </>
  )
}
