import { useAction } from '@securechat/react'
import { Copy, UserRoundX } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { type CountryCode, guessCountry, readPhone, showPhone } from '../format/phone.js'
import { PhoneField } from '../login/phone-field.js'
import { open as openRoute } from '../shell/route.js'
import { useToast } from '../shell/toast.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { FieldError } from '../ui/field-error.js'

export interface NewChatDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly ownPhone: string | undefined
}

export function NewChatDialog({ open, onOpenChange, ownPhone }: NewChatDialogProps) {
  return (
    <AppDialog open={open} onOpenChange={onOpenChange} title="New chat" description="Enter the phone number of the person you want to write to.">
      {/* Mounted with the dialog only: it begins empty each time. */}
      <NewChatForm ownPhone={ownPhone} onDone={() => onOpenChange(false)} />
    </AppDialog>
  )
}

function NewChatForm({ ownPhone, onDone }: { readonly ownPhone: string | undefined; readonly onDone: () => void }) {
  // Most people write to somebody in their own country.
  const [entry, setEntry] = useState<{ text: string; country: CountryCode }>(() => {
    const own = ownPhone === undefined ? undefined : readPhone(ownPhone, guessCountry(navigator.language))
    return { text: '', country: own?.country ?? guessCountry(navigator.language) }
  })
  const [asked, setAsked] = useState(false)
  const { run, pending, error, reset } = useAction((client, phone: string) => client.conversations.direct({ phone }))
  const input = useId()
  const help = useId()
  const { number } = readPhone(entry.text, entry.country)
  const missing = hasCode(error, 'client/not-found') || hasCode(error, 'request/not-found')
  const problem =
    error && !missing
      ? errorText(error)
      : asked && number === undefined
        ? 'Enter the whole number, with its country on the left.'
        : asked && number === ownPhone
          ? 'This is your own number.'
          : undefined

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setAsked(true)
    if (number === undefined || number === ownPhone) return document.getElementById(input)?.focus()
    const outcome = await run(number)
    if (!outcome.ok) return
    onDone()
    openRoute({ pane: 'chats', chat: outcome.value.id })
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4 pt-4" noValidate>
      <div className="flex flex-col gap-2">
        <label htmlFor={input} className="font-medium text-sm">
          Phone number
        </label>
        <PhoneField
          id={input}
          testId="new-chat-number"
          autoFocus
          {...entry}
          onChange={({ text, country }) => {
            setAsked(false)
            reset()
            setEntry({ text, country })
          }}
          invalid={problem !== undefined}
          describedBy={problem ? help : undefined}
        />
        {problem && <FieldError id={help}>{problem}</FieldError>}
      </div>
      {missing && number !== undefined && <Invite phone={number} />}
      <Button type="submit" pending={pending} data-testid="start-chat">
        Start chat
      </Button>
    </form>
  )
}

function Invite({ phone }: { readonly phone: string }) {
  const toast = useToast()
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(`Let us chat on SecureChat, where only the two of us can read it: ${location.origin}/`)
      toast('Invitation copied')
    } catch {
      toast(`Tell them to open ${location.origin}/`)
    }
  }
  return (
    <div role="alert" className="flex gap-3 rounded-2xl bg-sunken p-4" data-testid="not-registered">
      <UserRoundX className="mt-0.5 size-5 shrink-0 text-ink-soft" aria-hidden />
      <div className="flex flex-col items-start gap-1">
        <p>
          <strong className="whitespace-nowrap font-semibold">{showPhone(phone)}</strong> is not on SecureChat yet.
        </p>
        <p className="text-ink-soft text-sm">Check the number, or invite them: once they have signed up, start the chat again.</p>
        <Button small variant="quiet" className="-ml-3.5" icon={<Copy className="size-4" aria-hidden />} onClick={() => void copy()}>
          Copy an invitation
        </Button>
      </div>
    </div>
  )
}
