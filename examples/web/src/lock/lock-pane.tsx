import type { AccountState, StoreLockInfo } from '@securechat/client'
import { useAction, useStoreLocks } from '@securechat/react'
import { Fingerprint, KeyRound, Lock, LockKeyhole, LockKeyholeOpen, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { PaneHeader } from '../chats/pane-header.js'
import { errorText, hasCode } from '../format/error-text.js'
import { ConfirmDialog } from '../shell/confirm-dialog.js'
import { leave, useRoute } from '../shell/route.js'
import { useToast } from '../shell/toast.js'
import { Button, IconButton } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { lockNow } from './lock-now.js'
import { passkey, passkeysExist } from './make-lock.js'
import { PassphraseDialog } from './passphrase-dialog.js'

type Dialog = { readonly kind: 'set' } | { readonly kind: 'change' | 'remove'; readonly lock: StoreLockInfo }

const NAMES: Readonly<Record<string, string>> = { passphrase: 'Passphrase', passkey: 'Passkey', device: 'Key of this browser' }
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })

/** Settings → Lock of this browser: what opens the messages that are stored here. */
export default function LockPane({ account }: { readonly account: AccountState }) {
  const { chat } = useRoute()
  const toast = useToast()
  const { status, data: locks, error, add, remove } = useStoreLocks()
  const [dialog, setDialog] = useState<Dialog>()
  const close = (): void => setDialog(undefined)
  const addPasskey = useAction(async () => add(await passkey(account.profile?.name ?? account.phone ?? 'SecureChat')))
  const removing = useAction((_client, id: string) => remove(id, { leaveOpen: true }))
  const done = (text: string): void => {
    close()
    toast(text)
  }
  const locked = (locks?.length ?? 0) > 0
  const hasPassphrase = locks?.some(({ kind }) => kind === 'passphrase') ?? false
  const State = locked ? LockKeyhole : LockKeyholeOpen
  return (
    <>
      <PaneHeader title="Lock of this browser" backLabel="Back to the settings" onBack={() => leave({ pane: 'settings', chat })} />
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto px-5 pt-2 pb-8">
        <section aria-label="State of the lock" className="flex flex-col items-center gap-4 rounded-3xl bg-sunken px-5 py-6 text-center">
          <span aria-hidden className="grid size-16 place-items-center rounded-full bg-accent-soft text-accent-ink">
            <State className="size-8" />
          </span>
          <p className="max-w-xs text-pretty text-ink-soft" data-testid="lock-state" data-locked={locked}>
            {locked
              ? 'Messages and keys in this browser open only with one of these.'
              : 'Messages and keys in this browser are encrypted, but their key lies beside them: whoever can use this browser can read them.'}
          </p>
          {locked && (
            <Button icon={<Lock className="size-4" aria-hidden />} onClick={lockNow} data-testid="lock-now">
              Lock now
            </Button>
          )}
        </section>
        {status === 'error' && <FieldError>{errorText(error)}</FieldError>}
        {locks && locks.length > 0 && (
          <ul className="flex flex-col overflow-hidden rounded-2xl border border-line [&>li+li]:border-line [&>li+li]:border-t" aria-label="What opens it">
            {locks.map((lock) => (
              <LockRow key={lock.id} lock={lock} onChange={() => setDialog({ kind: 'change', lock })} onRemove={() => setDialog({ kind: 'remove', lock })} />
            ))}
          </ul>
        )}
        <div className="flex flex-col gap-2">
          {locks && !hasPassphrase && (
            <Button
              icon={<LockKeyhole className="size-[18px]" aria-hidden />}
              onClick={() => setDialog({ kind: 'set' })}
              data-testid="set-passphrase"
              data-focus-home
            >
              Set a passphrase
            </Button>
          )}
          {locks && passkeysExist() && (
            <Button
              variant="secondary"
              icon={<Fingerprint className="size-[18px]" aria-hidden />}
              pending={addPasskey.pending}
              onClick={() => void addPasskey.run().then(({ ok }) => ok && toast('The passkey opens your messages from now on'))}
              data-testid="add-passkey"
            >
              {locked ? 'Add a passkey' : 'Use a passkey'}
            </Button>
          )}
          {addPasskey.error && !hasCode(addPasskey.error, 'client/cancelled') && (
            <FieldError>
              {hasCode(addPasskey.error, 'client/unsupported')
                ? 'This passkey cannot open messages: it lacks a function (PRF) that browsers and security keys have been getting lately. Use a passphrase.'
                : errorText(addPasskey.error)}
            </FieldError>
          )}
        </div>
      </div>
      {dialog?.kind === 'set' && <PassphraseDialog onClose={close} onDone={() => done('The passphrase is set')} />}
      {dialog?.kind === 'change' && <PassphraseDialog changes={dialog.lock} onClose={close} onDone={() => done('The passphrase is changed')} />}
      <ConfirmDialog
        open={dialog?.kind === 'remove'}
        onOpenChange={close}
        title={`Remove the ${dialog?.kind === 'remove' && dialog.lock.kind === 'passkey' ? 'passkey' : 'passphrase'}?`}
        description={
          locks?.length === 1
            ? 'It is the only one: afterwards your messages open without being asked for anything.'
            : 'It opens your messages no longer. What else is on the list still does.'
        }
        action="Remove"
        testId="confirm-remove-lock"
        onConfirm={async () => {
          if (dialog?.kind !== 'remove') return false
          const { ok } = await removing.run(dialog.lock.id)
          if (ok) done('Removed')
          return ok
        }}
        error={removing.error && errorText(removing.error)}
      />
    </>
  )
}

function LockRow({ lock, onChange, onRemove }: { readonly lock: StoreLockInfo; readonly onChange: () => void; readonly onRemove: () => void }) {
  const name = lock.name ?? NAMES[lock.kind] ?? lock.kind
  return (
    <li className="flex min-h-16 items-center gap-3 py-2 pr-2 pl-4" data-testid="lock-row" data-kind={lock.kind}>
      <span aria-hidden className="grid size-10 shrink-0 place-items-center rounded-full bg-sunken text-accent-ink">
        {lock.kind === 'passkey' ? <KeyRound className="size-5" /> : <LockKeyhole className="size-5" />}
      </span>
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">{name}</p>
        <p className="text-ink-soft text-sm">Since {date.format(lock.createdAt)}</p>
      </div>
      {lock.kind === 'passphrase' && (
        <Button small variant="quiet" onClick={onChange} data-testid="change-passphrase">
          Change
        </Button>
      )}
      <IconButton label={`Remove ${name}`} onClick={onRemove} className="hover:bg-danger-soft! hover:text-danger!" data-testid="remove-lock">
        <Trash2 className="size-[18px]" aria-hidden />
      </IconButton>
    </li>
  )
}
