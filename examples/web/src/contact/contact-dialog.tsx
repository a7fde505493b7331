import type { Contact } from '@securechat/client'
import { useAction, useSafetyNumber } from '@securechat/react'
import { BadgeCheck, ShieldAlert, ShieldQuestion } from 'lucide-react'
import { errorText } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { useToast } from '../shell/toast.js'
import { Avatar } from '../ui/avatar.js'
import { Button } from '../ui/button.js'
import { AppDialog } from '../ui/dialog.js'
import { FieldError } from '../ui/field-error.js'
import { SafetyNumberGrid } from './safety-number-grid.js'

export interface ContactDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly peer: Contact
}

export function ContactDialog({ open, onOpenChange, peer }: ContactDialogProps) {
  return (
    <AppDialog open={open} onOpenChange={onOpenChange} title="Contact">
      <div className="flex flex-col items-center gap-2 pb-5">
        <Avatar id={peer.accountId} name={peer.displayName} image={peer.profile?.avatar} size="large" className="shadow-low" />
        <p className="max-w-full truncate pt-1 font-semibold text-lg leading-tight" dir="auto">
          {peer.displayName}
        </p>
        {peer.phone !== undefined && <p className="text-ink-soft">{showPhone(peer.phone)}</p>}
      </div>
      {/* Mounted with the dialog only: the number is computed when somebody looks. */}
      <Verification peer={peer} />
    </AppDialog>
  )
}

function Verification({ peer }: { readonly peer: Contact }) {
  const safety = useSafetyNumber(peer.accountId)
  const toast = useToast()
  const verify = useAction((_client, verified: boolean) => safety.setVerified(verified))
  const accept = useAction(() => safety.acceptIdentity())
  const { displayName } = peer

  if (safety.status === 'loading') return <div role="status" aria-label="Loading the safety number" className="h-64 animate-pulse rounded-2xl bg-sunken" />
  if (safety.status !== 'ready') {
    return (
      <div className="flex flex-col items-start gap-3 rounded-2xl bg-sunken p-4">
        <FieldError>{safety.status === 'error' ? errorText(safety.error) : 'There is no safety number for this contact yet.'}</FieldError>
        <Button small variant="secondary" onClick={() => void safety.reload()}>
          Try again
        </Button>
      </div>
    )
  }
  const { digits, verified } = safety.data
  const acceptNow = async (): Promise<void> => {
    const outcome = await accept.run()
    if (outcome.ok) toast('The new safety number is accepted')
  }
  return (
    <section aria-label="Safety number" className="flex flex-col gap-4">
      {peer.identityChanged ? (
        <State tone="warning" icon={<ShieldAlert aria-hidden />} title="The safety number has changed">
          {displayName} probably signed in on a new device. If you want to be sure, call and compare the number below before you accept it. Your messages wait
          until then.
        </State>
      ) : verified ? (
        <State tone="good" icon={<BadgeCheck aria-hidden />} title="Verified">
          You compared this number with {displayName}. You are told if it ever changes.
        </State>
      ) : (
        <State tone="calm" icon={<ShieldQuestion aria-hidden />} title="Not compared yet">
          Meet or call {displayName} and compare: if both of you see the same digits, nobody listens in between. Do not compare over this chat.
        </State>
      )}
      <SafetyNumberGrid digits={digits} />
      {peer.identityChanged && (
        <Button onClick={() => void acceptNow()} pending={accept.pending} data-testid="accept-identity">
          Accept the new number
        </Button>
      )}
      {!peer.identityChanged && (
        <Button variant={verified ? 'secondary' : 'primary'} pending={verify.pending} onClick={() => void verify.run(!verified)} data-testid="mark-verified">
          {verified ? 'Take back “verified”' : 'Mark as verified'}
        </Button>
      )}
      {(verify.error ?? accept.error) && <FieldError>{errorText(verify.error ?? accept.error)}</FieldError>}
    </section>
  )
}

const TONES = {
  warning: 'border-warning-line bg-warning-soft text-warning-ink',
  good: 'border-transparent bg-accent-soft text-accent-ink',
  calm: 'border-line bg-surface text-ink-soft',
} as const

function State({
  tone,
  icon,
  title,
  children,
}: {
  readonly tone: keyof typeof TONES
  readonly icon: React.ReactNode
  readonly title: string
  readonly children: React.ReactNode
}) {
  return (
    <div className={`flex gap-3 rounded-2xl border p-4 text-sm [&>svg]:mt-0.5 [&>svg]:size-5 [&>svg]:shrink-0 ${TONES[tone]}`}>
      {icon}
      <div className="flex flex-col gap-0.5">
        <p className={tone === 'calm' ? 'font-semibold text-ink' : 'font-semibold'}>{title}</p>
        <p className="text-pretty">{children}</p>
      </div>
    </div>
  )
}
