import type { OpeningState } from '@securechat/react'
import { useAction } from '@securechat/react'
import { deleteIndexedDbStorage } from '@securechat/storage-indexeddb'
import { RotateCw } from 'lucide-react'
import { useState } from 'react'
import { errorText, hasCode } from '../format/error-text.js'
import { useStoreAccess } from '../lock/store-access.js'
import { Button } from '../ui/button.js'
import { useLasting } from './browser-state.js'
import { ConfirmDialog } from './confirm-dialog.js'
import { FullScreen } from './full-screen.js'

export function Splash() {
  const slow = useLasting(true, 2_500)
  return (
    <FullScreen title="SecureChat" busy>
      <p role="status">{slow ? 'Still unlocking your messages. A large history takes a moment.' : 'Unlocking your messages …'}</p>
    </FullScreen>
  )
}

/** Tabs share one connection. The one that has it does not answer, as a tab that the browser has put to sleep: this one takes over by itself. */
export function WaitingForTab() {
  return (
    <FullScreen title="SecureChat is open in another tab" testId="tab-waiting" busy>
      <p role="status">The other tab is not answering. This one takes over in a moment; closing the other one helps.</p>
    </FullScreen>
  )
}

/** Where to begin anew is the only way out: what is stored cannot be read any more. */
const BEYOND_REPAIR = ['storage/corrupt', 'storage/wrong-key'] as const

export function OpeningFailed({ state }: { readonly state: Extract<OpeningState, { status: 'failed' }> }) {
  const { name } = useStoreAccess()
  const [erasing, setErasing] = useState(false)
  const [problem, setProblem] = useState<string>()
  const lost = BEYOND_REPAIR.some((code) => hasCode(state.error, code))
  const erase = async (): Promise<boolean> => {
    try {
      await deleteIndexedDbStorage({ name })
    } catch (error) {
      setProblem(errorText(error))
      return false
    }
    state.retry()
    return true
  }
  return (
    <FullScreen
      title="Your messages cannot be opened"
      alert
      actions={
        <>
          <Button icon={<RotateCw className="size-4" aria-hidden />} onClick={state.retry}>
            Try again
          </Button>
          {lost && (
            <Button variant="quiet-danger" onClick={() => setErasing(true)}>
              Erase and start over …
            </Button>
          )}
        </>
      }
    >
      <p>{errorText(state.error)}</p>
      <ConfirmDialog
        open={erasing}
        onOpenChange={setErasing}
        title="Erase everything in this browser?"
        action="Erase"
        onConfirm={erase}
        error={problem}
        description="The messages and keys stored here are deleted for good. Afterwards you sign in again with your number, and your contacts see a new safety number."
      />
    </FullScreen>
  )
}

/** The account's keys were replaced on another device. */
export function SignedOutElsewhere() {
  const { run, pending, error } = useAction((client) => client.account.logout())
  const [asking, setAsking] = useState(false)
  return (
    <FullScreen
      title="Signed out on this device"
      alert
      testId="signed-out"
      actions={
        <Button onClick={() => setAsking(true)} pending={pending}>
          Sign in again
        </Button>
      }
    >
      <p>Your number was registered on another device, or this session was ended. This browser no longer receives messages.</p>
      <p>If that was not you, sign in again at once: it ends the other session, and your contacts see a new safety number.</p>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Sign in again?"
        action="Erase and sign in"
        onConfirm={async () => (await run()).ok}
        error={error && errorText(error)}
        description="The messages stored in this browser are erased first. They cannot be moved to the new session."
      />
    </FullScreen>
  )
}
