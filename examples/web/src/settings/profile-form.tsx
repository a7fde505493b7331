import { useAction } from '@securechat/react'
import { Camera, Trash2 } from 'lucide-react'
import { type FormEvent, useId, useRef, useState } from 'react'
import { avatarFrom, NoPicture } from '../format/avatar-picture.js'
import { errorText } from '../format/error-text.js'
import { Avatar } from '../ui/avatar.js'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'

export interface ProfileFormProps {
  readonly accountId: string
  readonly name: string
  readonly avatar: Uint8Array | undefined
  readonly action: string
  readonly onSaved?: () => void
}

/** Name and picture; used for the first time after the login and later in the settings. */
export function ProfileForm({ accountId, name: savedName, avatar: savedAvatar, action, onSaved }: ProfileFormProps) {
  const [name, setName] = useState(savedName)
  const [avatar, setAvatar] = useState(savedAvatar)
  const [problem, setProblem] = useState<string>()
  const save = useAction((client, profile: { name: string; avatar?: Uint8Array }) => client.account.setProfile(profile))
  const picker = useRef<HTMLInputElement>(null)
  const input = useId()
  const help = useId()

  const choose = async (file: File | undefined): Promise<void> => {
    if (!file) return
    setProblem(undefined)
    try {
      setAvatar(await avatarFrom(file))
    } catch (error) {
      setProblem(error instanceof NoPicture ? 'This picture cannot be used. Choose a JPEG, PNG or WebP file.' : errorText(error))
    }
  }
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const trimmed = name.trim()
    if (trimmed === '') {
      setProblem('Enter a name; a first name is enough.')
      return document.getElementById(input)?.focus()
    }
    const outcome = await save.run({ name: trimmed, ...(avatar && { avatar }) })
    if (outcome.ok) onSaved?.()
  }
  const shown = problem ?? (save.error && errorText(save.error))
  return (
    <form onSubmit={submit} className="flex flex-col gap-5" noValidate>
      <div className="flex items-center gap-5">
        <button
          type="button"
          onClick={() => picker.current?.click()}
          aria-label={avatar ? 'Change the picture' : 'Add a picture'}
          className="group relative rounded-full"
          data-testid="choose-avatar"
        >
          <Avatar id={accountId} name={name.trim() || '?'} image={avatar} size="large" />
          <span
            aria-hidden
            className="absolute -right-0.5 -bottom-0.5 grid size-9 place-items-center rounded-full border-4 border-surface bg-accent text-on-accent group-hover:bg-accent-strong"
          >
            <Camera className="size-4" />
          </span>
        </button>
        <div className="flex flex-col items-start gap-1">
          <p className="text-ink-soft text-sm">A picture is optional. It is cropped here and encrypted before it is sent.</p>
          {avatar && (
            <Button small variant="quiet-danger" className="-ml-3" icon={<Trash2 className="size-4" aria-hidden />} onClick={() => setAvatar(undefined)}>
              Remove
            </Button>
          )}
        </div>
        <input
          ref={picker}
          type="file"
          accept="image/png,image/jpeg,image/webp"
          className="hidden"
          aria-label="Picture"
          data-testid="avatar-input"
          onChange={(event) => {
            void choose(event.target.files?.[0])
            event.target.value = ''
          }}
        />
      </div>
      <div className="flex flex-col gap-2">
        <label htmlFor={input} className="font-medium text-sm">
          Your name
        </label>
        <input
          id={input}
          data-testid="name-input"
          className="field"
          value={name}
          onChange={(event) => {
            setName(event.target.value)
            setProblem(undefined)
            save.reset()
          }}
          maxLength={64}
          autoComplete="name"
          placeholder="First name is enough"
          aria-invalid={shown !== undefined}
          aria-describedby={shown ? help : undefined}
        />
        {shown && <FieldError id={help}>{shown}</FieldError>}
      </div>
      <Button type="submit" pending={save.pending} data-testid="save-profile">
        {action}
      </Button>
    </form>
  )
}
