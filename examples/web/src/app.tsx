import { SecureChatProvider, useAccount, useConnection } from '@securechat/react'
import { useRef } from 'react'
import { errorText } from './format/error-text.js'
import type { MadeLock } from './lock/make-lock.js'
import { Opening } from './lock/opening.js'
import { type StoreAccess, StoreAccessProvider } from './lock/store-access.js'
import { LoginScreen } from './login/login-screen.js'
import { ProfileStep } from './login/profile-step.js'
import { ErrorBoundary } from './shell/error-boundary.js'
import { MainScreen } from './shell/main-screen.js'
import { SignedOutElsewhere, Splash, WaitingForTab } from './shell/start-screens.js'
import { ToastProvider, useToast } from './shell/toast.js'

export function App({ store }: { readonly store: StoreAccess }) {
  return (
    <ErrorBoundary>
      <StoreAccessProvider value={store}>
        <ToastProvider>
          <Connected store={store} />
        </ToastProvider>
      </StoreAccessProvider>
    </ErrorBoundary>
  )
}

function Connected({ store }: { readonly store: StoreAccess }) {
  const toast = useToast()
  /** What the person has given to open the store with; never kept beyond the page. */
  const lock = useRef<MadeLock>(undefined)
  return (
    <SecureChatProvider
      client={() => store.open(lock.current)}
      onError={(error, during) => during !== 'opening' && toast(errorText(error))}
      fallback={(state) => (
        <Opening
          state={state}
          onLock={(next) => {
            lock.current = next
          }}
        />
      )}
    >
      <CurrentScreen />
    </SecureChatProvider>
  )
}

/** The account's state decides what can be done at all. */
function CurrentScreen() {
  const { status, data: account } = useAccount()
  const connection = useConnection()
  if (connection.status === 'waiting-for-tab') return <WaitingForTab />
  if (status === 'loading') return <Splash />
  if (account.status === 'signed-out') return <LoginScreen />
  if (account.status === 'revoked') return <SignedOutElsewhere />
  if (!account.profile) return <ProfileStep account={account} />
  return <MainScreen account={account} />
}
