import type { AccountState } from '@securechat/client'
import {
  ChevronRight,
  CloudUpload,
  Fingerprint,
  LockKeyhole,
  LogOut,
  Monitor,
  MonitorSmartphone,
  Moon,
  Pencil,
  RectangleEllipsis,
  ServerCog,
  Sun,
  Trash2,
} from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { PaneHeader } from '../chats/pane-header.js'
import { showPhone } from '../format/phone.js'
import { leave, open, useRoute } from '../shell/route.js'
import { useToast } from '../shell/toast.js'
import { StorageFacts } from '../storage/storage-facts.js'
import { Avatar } from '../ui/avatar.js'
import { IconButton } from '../ui/button.js'
import { classNames } from '../ui/class-names.js'
import { AppDialog } from '../ui/dialog.js'
import { EraseDialog, LogoutDialog } from './leave-dialogs.js'
import { PinDialog } from './pin-dialog.js'
import { ProfileForm } from './profile-form.js'
import { setTheme, type Theme, useTheme } from './theme.js'

export function SettingsPane({ account }: { readonly account: AccountState }) {
  const { chat } = useRoute()
  const toast = useToast()
  const [dialog, setDialog] = useState<'profile' | 'pin' | 'logout' | 'erase'>()
  const close = (): void => setDialog(undefined)
  const { profile, phone, accountId = '' } = account
  return (
    <>
      <PaneHeader title="Settings" onBack={() => leave({ pane: 'chats', chat })} />
      <div className="flex min-h-0 flex-1 flex-col gap-6 overflow-y-auto px-5 pt-2 pb-8">
        <section aria-label="Profile" className="flex items-center gap-4 rounded-3xl bg-sunken p-4">
          <Avatar id={accountId} name={profile?.name ?? phone ?? ''} image={profile?.avatar} className="size-16 text-xl" />
          <div className="min-w-0 flex-1">
            <p className="truncate font-semibold text-lg leading-tight" dir="auto" data-testid="own-name">
              {profile?.name}
            </p>
            {phone !== undefined && <p className="text-ink-soft">{showPhone(phone)}</p>}
          </div>
          <IconButton label="Edit the profile" onClick={() => setDialog('profile')} className="hover:bg-selected" data-testid="edit-profile">
            <Pencil className="size-[18px]" aria-hidden />
          </IconButton>
        </section>
        <Section title="Devices and security">
          <RowButton icon={<MonitorSmartphone aria-hidden />} onClick={() => open({ pane: 'devices', chat })} testId="open-devices" opens>
            Linked devices
          </RowButton>
          <RowButton icon={<CloudUpload aria-hidden />} onClick={() => open({ pane: 'backup', chat })} testId="open-backup" opens>
            Backup
          </RowButton>
          <RowButton icon={<Fingerprint aria-hidden />} onClick={() => open({ pane: 'lock', chat })} testId="open-lock" opens>
            Lock of this browser
          </RowButton>
          <RowButton icon={<RectangleEllipsis aria-hidden />} onClick={() => setDialog('pin')} testId="open-pin">
            PIN of your number …
          </RowButton>
          <StorageFacts />
        </Section>
        <ThemeChoice />
        <Section title="Privacy">
          <Fact icon={<LockKeyhole aria-hidden />} title="Protected end to end">
            What you write, your name and picture, reactions and receipts. Only you and the other person have the keys.
          </Fact>
          <Fact icon={<ServerCog aria-hidden />} title="Not hidden from the server">
            Which accounts write to each other, when and roughly how much, your number, and whom you look up by number. Whoever runs the server also delivers
            this page.
          </Fact>
        </Section>
        <Section title="Account">
          <RowButton icon={<LogOut aria-hidden />} onClick={() => setDialog('logout')} testId="logout">
            Log out …
          </RowButton>
          <RowButton icon={<Trash2 aria-hidden />} onClick={() => setDialog('erase')} testId="erase-account" danger>
            Delete account …
          </RowButton>
        </Section>
      </div>
      <AppDialog open={dialog === 'profile'} onOpenChange={close} title="Your profile">
        <div className="pt-3">
          <ProfileForm
            accountId={accountId}
            name={profile?.name ?? ''}
            avatar={profile?.avatar}
            action="Save"
            onSaved={() => {
              close()
              toast('Profile saved')
            }}
          />
        </div>
      </AppDialog>
      {dialog === 'pin' && (
        <PinDialog
          onClose={close}
          onDone={(text) => {
            close()
            toast(text)
          }}
        />
      )}
      <LogoutDialog open={dialog === 'logout'} onClose={close} />
      <EraseDialog open={dialog === 'erase'} onClose={close} />
    </>
  )
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="flex flex-col gap-2">
      <h2 className="px-1 font-semibold text-ink-soft text-sm">{title}</h2>
      {children}
    </section>
  )
}

const THEMES: readonly { readonly theme: Theme; readonly name: string; readonly icon: typeof Sun }[] = [
  { theme: 'system', name: 'System', icon: Monitor },
  { theme: 'light', name: 'Light', icon: Sun },
  { theme: 'dark', name: 'Dark', icon: Moon },
]

function ThemeChoice() {
  const current = useTheme()
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-2 px-1 font-semibold text-ink-soft text-sm">Appearance</legend>
      <div className="grid grid-cols-3 gap-1 rounded-2xl bg-sunken p-1">
        {THEMES.map(({ theme, name, icon: Icon }) => (
          <label
            key={theme}
            className={classNames(
              'flex min-h-11 cursor-pointer items-center justify-center gap-2 rounded-xl font-medium text-sm has-focus-visible:outline-2 has-focus-visible:outline-accent',
              current === theme ? 'bg-surface text-ink shadow-low' : 'text-ink-soft hover:text-ink',
            )}
          >
            <input type="radio" name="theme" value={theme} checked={current === theme} onChange={() => setTheme(theme)} className="sr-only" />
            <Icon className="size-4" aria-hidden />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

function Fact({ icon, title, children }: { readonly icon: ReactNode; readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="flex gap-3 rounded-2xl border border-line p-4 text-sm [&>svg]:mt-0.5 [&>svg]:size-[18px] [&>svg]:shrink-0 [&>svg]:text-accent-ink">
      {icon}
      <div>
        <p className="font-semibold text-base leading-snug">{title}</p>
        <p className="text-pretty text-ink-soft">{children}</p>
      </div>
    </div>
  )
}

interface RowButtonProps {
  readonly icon: ReactNode
  readonly children: ReactNode
  readonly onClick: () => void
  readonly testId: string
  readonly danger?: boolean
  /** It leads to a further screen. */
  readonly opens?: boolean
}

function RowButton({ icon, children, onClick, testId, danger = false, opens = false }: RowButtonProps) {
  return (
    <button
      type="button"
      onClick={onClick}
      data-testid={testId}
      className={classNames(
        'flex min-h-12 items-center gap-3 rounded-2xl border border-line px-4 text-left font-medium transition-colors [&>svg]:size-[18px]',
        danger ? 'text-danger hover:bg-danger-soft' : 'hover:bg-hover',
      )}
    >
      {icon}
      <span className="flex-1">{children}</span>
      {opens && <ChevronRight className="text-ink-faint" aria-hidden />}
    </button>
  )
}
