import { type LinkRequestState, useLinkRequest } from '@securechat/react'
import { persistence } from '@securechat/storage-indexeddb'
import { RefreshCw } from 'lucide-react'
import { lazy, Suspense } from 'react'
import { linkProblem } from '../devices/link-problem.js'
import { hasCode } from '../format/error-text.js'
import { showPhone } from '../format/phone.js'
import { countdown } from '../format/time.js'
import { useNow } from '../shell/browser-state.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { Waiting } from '../ui/spinner.js'
import { LoginLayout } from './login-layout.js'

const QrCode = lazy(() => import('../ui/qr-code.js'))

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
      <Code state={state} />
      <Button variant="quiet" onClick={onBack} data-testid="use-number">
        Sign in with my number instead
      </Button>
    </LoginLayout>
  )
}

function Code({ state }: { readonly state: Extract<LinkRequestState, { status: 'requesting' | 'shown' }> }) {
  const now = useNow(1_000)
  const empty = <Waiting className="aspect-square w-full max-w-72 rounded-2xl bg-sunken">Making a code …</Waiting>
  if (state.status === 'requesting') return <div className="grid place-items-center">{empty}</div>
  return (
    <div className="flex flex-col items-center gap-3">
      <div className="aspect-square w-full max-w-72 rounded-2xl border border-line">
        <Suspense fallback={empty}>
          <QrCode text={state.code} label="Linking code. Its text is below, for a device without a camera." />
        </Suspense>
      </div>
      <p className="text-ink-soft text-sm tabular-nums" data-testid="code-expiry">
        {state.expiresAt > now ? `A new code in ${countdown(state.expiresAt - now)}` : 'Making a new code …'}
      </p>
      <details className="w-full rounded-2xl border border-line px-4 py-3 text-sm open:bg-sunken">
        <summary className="cursor-pointer font-medium">No camera on the other device?</summary>
        <p className="pt-2 text-pretty text-ink-soft">Type or copy this text there. Give it to nobody: it is for your own device.</p>
        <p className="select-all break-all pt-2 font-mono text-xs leading-relaxed" data-testid="link-code">
          {state.code}
        </p>
      </details>
    </div>
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
        <div>
          <dt className="text-ink-soft text-sm">Type these digits on your other device</dt>
          <dd className="font-mono font-semibold text-4xl tracking-[0.12em]" data-testid="link-digits-shown">
            {digits.slice(0, 3)} {digits.slice(3)}
          </dd>
        </div>
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
