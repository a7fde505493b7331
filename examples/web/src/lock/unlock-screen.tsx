import type { StoreLockInfo } from '@securechat/client'
import { deleteIndexedDbStorage } from '@securechat/storage-indexeddb'
import { KeyRound } from 'lucide-react'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { Mark } from '../shell/brand.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { type MadeLock, passkey, passphrase } from './make-lock.js'
import { useStoreAccess } from './store-access.js'

export interface UnlockScreenProps {
  readonly pending: boolean
  readonly error: Error | undefined
  readonly onLock: (lock: MadeLock) => void
  readonly onErased: () => void
}

/** The store is locked: nothing of it, not even a name, can be shown before it is open. */
export default function UnlockScreen({ pending, error, onLock, onErased }: UnlockScreenProps) {
  const { locks, name } = useStoreAccess()
  const [found, setFound] = useState<readonly StoreLockInfo[]>()
  const [text, setText] = useState('')
  const [forgotten, setForgotten] = useState(false)
  const [problem, setProblem] = useState<string>()
  const field = useRef<HTMLInputElement>(null)
  const input = useId()
  const help = useId()
  useEffect(() => {
    let gone = false
    locks().then(
      (list) => !gone && setFound(list),
      () => !gone && setFound([]),
    )
    return () => {
      gone = true
    }
  }, [locks])
  useEffect(() => {
    if (error) field.current?.select()
  }, [error])

  const has = (kind: string): boolean => found?.some((lock) => lock.kind === kind) ?? false
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (pending) return
    if (text === '') return field.current?.focus()
    onLock(await passphrase(text))
  }
  const erase = async (): Promise<boolean> => {
    try {
      await deleteIndexedDbStorage({ name })
    } catch (thrown) {
      setProblem(errorText(thrown))
      return false
    }
    onErased()
    return true
  }
  const wrong =
    error && (hasCode(error, 'storage/wrong-key') ? 'That is not the right passphrase. Check capital letters and the keyboard’s language.' : errorText(error))
  return (
    <main className="wallpaper grid h-full place-items-center overflow-y-auto p-6" data-testid="unlock">
      <div className="flex w-full max-w-sm flex-col gap-6 rounded-3xl bg-surface p-7 shadow-mid">
        <header className="flex flex-col items-center gap-3 text-center">
          <Mark className="size-16 rounded-2xl shadow-mid" />
          <h1 className="font-semibold text-2xl leading-tight">Locked</h1>
          <p className="text-pretty text-ink-soft">Your messages in this browser are encrypted with a key that only you have.</p>
        </header>
        {found === undefined && <div role="status" aria-label="Loading" className="h-28 animate-pulse rounded-2xl bg-sunken" />}
        {has('passphrase') && (
          <form onSubmit={submit} className="flex flex-col gap-4">
            <div className="flex flex-col gap-2">
              <label htmlFor={input} className="font-medium text-sm">
                Passphrase
              </label>
              <input
                ref={field}
                id={input}
                className="field"
                type="password"
                autoComplete="current-password"
                // biome-ignore lint/a11y/noAutofocus: the one thing to do here.
                autoFocus
                value={text}
                readOnly={pending}
                onChange={(event) => setText(event.target.value)}
                aria-invalid={wrong !== undefined && !pending}
                aria-describedby={wrong ? help : undefined}
                data-testid="passphrase"
              />
              {wrong && !pending && <FieldError id={help}>{wrong}</FieldError>}
            </div>
            <Button type="submit" pending={pending} data-testid="unlock-now">
              {pending ? 'Unlocking …' : 'Unlock'}
            </Button>
          </form>
        )}
        {has('passkey') && (
          <Button
            variant={has('passphrase') ? 'secondary' : 'primary'}
            pending={pending}
            icon={<KeyRound className="size-[18px]" aria-hidden />}
            onClick={() => void passkey('SecureChat').then(onLock)}
            data-testid="unlock-passkey"
          >
            Use a passkey
          </Button>
        )}
        {!has('passphrase') && wrong && !pending && <FieldError>{wrong}</FieldError>}
        {found !== undefined && (
          <Button variant="quiet" onClick={() => setForgotten(true)} disabled={pending} data-testid="forgot">
            {has('passphrase') ? 'Forgot the passphrase?' : 'Cannot unlock?'}
          </Button>
        )}
      </div>
      <ConfirmDialog
        open={forgotten}
        onOpenChange={setForgotten}
        title="Start over without it?"
        action="Erase this browser’s messages"
        typed="erase"
        testId="confirm-forget"
        onConfirm={erase}
        error={problem}
        description={
          <div className="flex flex-col gap-2">
            <p>Nobody can recover the passphrase: neither we nor the server has it.</p>
            <p>
              If you go on, the messages and keys in this browser are gone for good. Afterwards you can link this browser to another device of yours, restore a
              backup with its 24 words, or sign in with your number; without the words your contacts then see a new safety number.
            </p>
          </div>
        }
      />
    </main>
  )
}
