import { type LinkRequestState, useLinkRequest } from '@securechat/react'
import { persistence } from '@securechat/storage-indexeddb'
import { RefreshCw } from 'lucide-react'
import { linkProblem } from '../devices/link-problem.js'
import { ShownCode } from '../devices/shown-code.js'
import { ShownDigits } from '../devices/shown-digits.js'
import { hasCode } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { Waiting } from '../ui/spinner.js'
import { LoginLayout } from './login-layout.js'

/** Instead of a number: the code for the device that one has already. */
export default function LinkStep({ onBack }: { readonly onBack: () => void }) {
  const { state, confirm, restart } = useLinkRequest()
  if (state.status === 'answered' || state.status === 'confirming' || state.status === 'linked') {
    return <Compare state={state} onConfirm={confirm} onBack={onBack} />
  }
  if (state.status === 'failed') {
    const unanswered = hasCode(state.error, 'devices/link-expired')
    return (
      <LoginLayout title={unanswered ? 'Not linked in time' : 'Not linked'} lead="Nothing was changed on either device.">
        <FieldError>{unanswered ? 'The other device did not scan the code or did not confirm it.' : linkProblem(state.error)}</FieldError>
        <div className="flex flex-col gap-2">
          <Button icon={<RefreshCw className="size-4" aria-hidden />} onClick={restart} data-testid="link-again">
            Show a new code
          </Button>
          <Button variant="quiet" onClick={onBack}>
            Sign in with my number
          </Button>
        </div>
      </LoginLayout>
    )
  }
  return (
    <LoginLayout
      title="Link to another device"
      lead={
        <ol className="flex list-decimal flex-col gap-1 pl-5 marker:text-ink-faint">
          <li>Open SecureChat on the device that you use already.</li>
          <li>
            Go to <strong className="font-semibold text-ink">Settings → Linked devices</strong>.
          </li>
          <li>
            Choose <strong className="font-semibold text-ink">Link a device</strong> and scan this code.
          </li>
        </ol>
      }
    >
      <ShownCode {...(state.status === 'shown' && { shown: state })} />
      <Button variant="quiet" onClick={onBack} data-testid="use-number">
        Sign in with my number instead
      </Button>
    </LoginLayout>
  )
}

interface CompareProps {
  readonly state: Extract<LinkRequestState, { status: 'answered' | 'confirming' | 'linked' }>
  readonly onConfirm: () => void
  readonly onBack: () => void
}

function Compare({ state, onConfirm, onBack }: CompareProps) {
  if (state.status === 'linked')
    return (
      <LoginLayout title="Linked" lead="Your chats open now.">
        <Waiting className="min-h-40">Setting up your keys …</Waiting>
      </LoginLayout>
    )
  const { phone, digits } = state.invitation
  const waiting = state.status === 'confirming'
  const confirm = (): void => {
    onConfirm()
    // This browser's keys live in it alone: ask it, while there is a click to answer, not to throw them away. It may say no; chatting goes on either way.
    void persistence({ request: true }).catch(() => undefined)
  }
  return (
    <LoginLayout
      title="Is this your account?"
      lead="Both devices must show the same. If the number is not yours, somebody else wants you in their account: cancel."
    >
      <dl className="flex flex-col gap-4 rounded-3xl bg-sunken p-5">
        <div>
          <dt className="text-ink-soft text-sm">Account</dt>
          <dd className="font-semibold text-lg">{showPhone(phone)}</dd>
        </div>
        <ShownDigits digits={digits} />
      </dl>
      {waiting ? (
        <Waiting>Waiting until you have typed the digits on your other device …</Waiting>
      ) : (
        <Button autoFocus onClick={confirm} data-testid="confirm-link">
          Yes, this is my account
        </Button>
      )}
      <Button variant="quiet" onClick={onBack}>
        Cancel
      </Button>
    </LoginLayout>
  )
}
