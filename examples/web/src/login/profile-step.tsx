import type { AccountState } from '@securechat/client'
import { ProfileForm } from '../settings/profile-form.js'
import { LoginLayout } from './login-layout.js'

/** The last step of the login: without a name others would see a number only. */
export function ProfileStep({ account }: { readonly account: AccountState }) {
  return (
    <LoginLayout title="What should others call you?" lead="People you write to see your name and picture. The server sees neither.">
      <ProfileForm accountId={account.accountId ?? ''} name="" avatar={undefined} action="Start chatting" />
    </LoginLayout>
  )
}
