import { ClipboardPaste, ImageUp } from 'lucide-react'
import { type FormEvent, useId, useRef, useState } from 'react'
import { Button } from '../ui/button.js'
import { FieldError } from '../ui/field-error.js'
import { codeInPicture } from './read-code.js'

export interface OtherWaysProps {
  readonly onCode: (code: string) => void
  readonly onBack: () => void
}

/**
 * A picture or the text of the code. Both are how somebody is talked into linking a stranger's device (attack 39), so they are behind a warning
 * that has to be confirmed, and behind the digits like everything else.
 */
export function OtherWays({ onCode, onBack }: OtherWaysProps) {
  const [own, setOwn] = useState(false)
  const [problem, setProblem] = useState<string>()
  const [text, setText] = useState('')
  const picker = useRef<HTMLInputElement>(null)
  const input = useId()

  const choose = async (file: File | undefined): Promise<void> => {
    if (!file) return
    setProblem(undefined)
    const code = await codeInPicture(file)
    if (code === undefined) setProblem('There is no code in this picture that can be read. Take it from nearer, with the whole code in it.')
    else onCode(code)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (text.trim()) onCode(text)
  }
  return (
    <div className="flex flex-col gap-4 rounded-3xl bg-sunken p-5">
      <label className="flex cursor-pointer items-start gap-3">
        <input
          type="checkbox"
          checked={own}
          onChange={(event) => setOwn(event.target.checked)}
          className="mt-1 size-[18px] shrink-0 accent-accent"
          data-testid="code-is-mine"
        />
        <span className="text-pretty">I made the picture or copied the text myself, from the screen of my own new device. Nobody sent it to me.</span>
      </label>
      <Button
        variant="secondary"
        className="bg-surface!"
        disabled={!own}
        icon={<ImageUp className="size-[18px]" aria-hidden />}
        onClick={() => picker.current?.click()}
        data-testid="choose-code-picture"
      >
        Choose a picture
      </Button>
      <input
        ref={picker}
        type="file"
        accept="image/*"
        className="hidden"
        aria-label="Picture of the code"
        data-testid="code-picture"
        onChange={(event) => {
          void choose(event.target.files?.[0])
          event.target.value = ''
        }}
      />
      <form onSubmit={submit} className="flex flex-col gap-2">
        <label htmlFor={input} className="font-medium text-sm">
          Or the text below the code
        </label>
        <div className="flex gap-2">
          <input
            id={input}
            className="field font-mono text-sm!"
            value={text}
            onChange={(event) => setText(event.target.value)}
            disabled={!own}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            data-testid="code-text"
          />
          <Button type="submit" disabled={!own || text.trim() === ''} icon={<ClipboardPaste className="size-4" aria-hidden />} data-testid="use-code-text">
            Use
          </Button>
        </div>
      </form>
      {problem && <FieldError>{problem}</FieldError>}
      <button type="button" className="self-center font-medium text-accent-ink text-sm underline underline-offset-3" onClick={onBack}>
        Back to the camera
      </button>
    </div>
  )
}
