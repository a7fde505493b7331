import type { NewBackupWords } from '@securechat/client'
import { useAction } from '@securechat/react'
import { type FormEvent, useEffect, useId, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { FieldError } from '../ui/field-error.js'
import { Waiting } from '../ui/spinner.js'

/** The 24 words: shown once, then some are asked back, so that the paper is known to exist. */
export function WordsDialog({ onClose, onDone }: { readonly onClose: () => void; readonly onDone: () => void }) {
  const [made, setMade] = useState<NewBackupWords>()
  const [written, setWritten] = useState(false)
  const create = useAction((client) => client.backups.createWords())
  const { run } = create
  useEffect(() => {
    void run().then((outcome) => outcome.ok && setMade(outcome.value))
  }, [run])
  return (
    <AppDialog open onOpenChange={onClose} title={written ? 'Check your paper' : 'Write these words down'} alert wide>
      {create.error ? (
        <FieldError>{errorText(create.error)}</FieldError>
      ) : !made ? (
        <Waiting className="min-h-56">Making your words …</Waiting>
      ) : written ? (
        <Check made={made} onBack={() => setWritten(false)} onDone={onDone} />
      ) : (
        <div className="flex flex-col gap-4">
          <p className="text-pretty text-ink-soft">
            They are the key of your backup. On paper, in this order, and not as a screenshot: whoever has them can read your messages.
          </p>
          <ol
            className="grid grid-cols-2 gap-x-4 gap-y-1.5 rounded-3xl bg-sunken p-4 font-mono text-sm two-pane:grid-cols-3"
            data-testid="backup-words"
            aria-label="The 24 words"
          >
            {made.words.map((word, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a word can come twice, and its place is what it is.
              <li key={place} className="flex gap-2">
                <span className="w-6 text-right text-ink-faint tabular-nums">{place + 1}</span>
                <span data-word className="font-semibold">
                  {word}
                </span>
              </li>
            ))}
          </ol>
          <p className="rounded-2xl bg-warning-soft px-4 py-3 text-pretty text-sm text-warning-ink">
            They are shown this once. Nobody can tell you them again, and without them the backup cannot be opened.
          </p>
          <div className="flex justify-end gap-2">
            <Button variant="secondary" onClick={onClose}>
              Cancel
            </Button>
            <Button onClick={() => setWritten(true)} data-testid="words-written">
              I have written them down
            </Button>
          </div>
        </div>
      )}
    </AppDialog>
  )
}

function Check({ made, onBack, onDone }: { readonly made: NewBackupWords; readonly onBack: () => void; readonly onDone: () => void }) {
  const [typed, setTyped] = useState<Readonly<Record<number, string>>>({})
  const id = useId()
  const enable = useAction((client) => client.backups.enable({ words: made.words, confirmed: typed }))
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (enable.pending) return
    const { ok } = await enable.run()
    if (ok) onDone()
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-ink-soft">Type these words from your paper.</p>
      {made.challenge.map((place) => (
        <div key={place} className="flex items-center gap-3">
          <label htmlFor={`${id}${place}`} className="w-24 shrink-0 font-medium">
            Word {place}
          </label>
          <input
            id={`${id}${place}`}
            className="field"
            value={typed[place] ?? ''}
            onChange={(event) => {
              enable.reset()
              setTyped({ ...typed, [place]: event.target.value.trim().toLowerCase() })
            }}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            data-testid={`word-${place}`}
          />
        </div>
      ))}
      {enable.error && (
        <FieldError>
          {hasCode(enable.error, 'client/invalid-argument')
            ? 'At least one word is not the one on your paper. Look again, or go back to the list.'
            : errorText(enable.error)}
        </FieldError>
      )}
      <div className="flex justify-end gap-2">
        <Button variant="secondary" onClick={onBack} disabled={enable.pending}>
          Show the words again
        </Button>
        <Button type="submit" pending={enable.pending} data-testid="enable-backup">
          Turn on
        </Button>
      </div>
    </form>
  )
}
