import { type ClientSource, SecureChatProvider, useAccount, useConnection } from '@securechat/react'
import { errorText } from './format/error-text.js'
import { LoginScreen } from './login/login-screen.js'
import { ProfileStep } from './login/profile-step.js'
import { ErrorBoundary } from './shell/error-boundary.js'
import { MainScreen } from './shell/main-screen.js'
import { OpeningFailed, SignedOutElsewhere, Splash, WaitingForTab } from './shell/start-screens.js'
import { ToastProvider, useToast } from './shell/toast.js'

export interface AppProps {
  readonly client: ClientSource
  /** The name of the store, for erasing one that cannot be read any more. */
  readonly storageName: string
}

export function App(props: AppProps) {
  return (
    <ErrorBoundary>
      <ToastProvider>
        <Connected {...props} />
      </ToastProvider>
    </ErrorBoundary>
  )
}

function Connected({ client, storageName }: AppProps) {
  const toast = useToast()
  return (
    <SecureChatProvider
      client={client}
      onError={(error, during) => during !== 'opening' && toast(errorText(error))}
      fallback={(state) => (state.status === 'failed' ? <OpeningFailed state={state} storageName={storageName} /> : <Splash />)}
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
